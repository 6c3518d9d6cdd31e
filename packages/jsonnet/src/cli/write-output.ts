import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { CliOptions } from './cli-options.ts';

export type Output =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'documents'; readonly documents: readonly string[] }
  | { readonly type: 'files'; readonly folder: string; readonly files: ReadonlyMap<string, string> };

/** Writes the files that the options ask for; gives what is left for standard output. */
export function writeOutput(output: Output, options: CliOptions): string {
  const text = output.type === 'files' ? writeFiles(output, options) : outputText(output);
  const { outputFile } = options;
  if (outputFile === '') return text;
  if (options.createFolders && output.type === 'text') mkdirSync(dirname(outputFile), { recursive: true });
  writeFileSync(outputFile, text);
  return '';
}

function outputText(output: Exclude<Output, { type: 'files' }>): string {
  if (output.type === 'text') return output.text;
  const { documents } = output;
  return documents.length === 0 ? '' : `${documents.map((document) => `---\n${document}`).join('')}...\n`;
}

/** Gives the list of the files, one a line. A file that has the same content already keeps its time stamp. */
function writeFiles({ folder, files }: Extract<Output, { type: 'files' }>, { createFolders }: CliOptions): string {
  if (files.size === 0) return '';
  if (createFolders) mkdirSync(folder, { recursive: true });
  else readdirSync(folder);
  let list = '';
  for (const [name, content] of files) {
    const inside = relative(isAbsolute(name) ? '/' : '.', name);
    if (inside.startsWith('..')) throw new Error(`openat ${inside}: path escapes from parent`);
    const path = join(folder, inside);
    list += `${path}\n`;
    if (existsSync(path) && readFileSync(path, 'utf8') === content) continue;
    if (createFolders) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return list;
}
