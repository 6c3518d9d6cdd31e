import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { CliOptions } from './cli-options.ts';
import { FileProblem, withFile } from './file-error.ts';

export type Output =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'documents'; readonly documents: readonly string[] }
  | { readonly type: 'files'; readonly folder: string; readonly files: ReadonlyMap<string, string> };

/** Writes the files that the options ask for, and prints what is left for standard output. */
export function writeOutput(output: Output, options: CliOptions, print: (text: string) => void): void {
  const { outputFile, createFolders } = options;
  if (outputFile === '') {
    writeTo(print, output, createFolders);
    return;
  }
  if (createFolders && output.type === 'text') withFile(dirname(outputFile), () => mkdirSync(dirname(outputFile), { recursive: true }));
  withFile(outputFile, () => writeFileSync(outputFile, ''));
  writeTo((text) => withFile(outputFile, () => writeFileSync(outputFile, text, { flag: 'a' })), output, createFolders);
}

function writeTo(print: (text: string) => void, output: Output, createFolders: boolean): void {
  if (output.type === 'text') print(output.text);
  else if (output.type === 'files') writeFiles(output, createFolders, print);
  else if (output.documents.length > 0) print(`${output.documents.map((document) => `---\n${document}`).join('')}...\n`);
}

/** Prints the path of each file before it is written. A file that has the same content already keeps its time stamp. */
function writeFiles({ folder, files }: Extract<Output, { type: 'files' }>, createFolders: boolean, print: (text: string) => void): void {
  if (files.size === 0) return;
  if (createFolders) mkdirSync(folder, { recursive: true });
  withFile(folder, () => closeSync(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)));
  for (const [name, content] of files) {
    const inside = relative(isAbsolute(name) ? '/' : '.', name) || '.';
    const path = join(folder, inside);
    print(`${path}\n`);
    if (isOutside(folder, inside)) throw new FileProblem(`openat ${inside}: path escapes from parent`);
    if (existsSync(path) && withFile(`${join(folder)}/${inside}`, () => readFileSync(path, 'utf8')) === content) continue;
    if (createFolders) mkdirSync(dirname(path), { recursive: true });
    try {
      withFile(inside, () => writeFileSync(path, content));
    } catch (error) {
      throw error instanceof FileProblem ? new FileProblem(error.message.replace(/^open /, 'openat ')) : error;
    }
  }
}

/** Whether a path leaves the folder, by its text or by a symbolic link. */
function isOutside(folder: string, inside: string): boolean {
  if (inside.split(sep)[0] === '..') return true;
  let there = join(folder, inside);
  while (!existsSync(there)) there = dirname(there);
  const real = relative(realpathSync(folder), realpathSync(there));
  return real.split(sep)[0] === '..';
}
