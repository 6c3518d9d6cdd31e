import { readFileSync } from 'node:fs';
import { normalize } from 'node:path';
import { compile } from '../compile.ts';
import { JsonnetError } from '../jsonnet-error.ts';
import type { Limits } from '../limits.ts';
import type { Inputs, Program } from '../program.ts';
import type { CliOptions } from './cli-options.ts';
import { FileProblem, fileErrorReason, isFileError } from './file-error.ts';
import { createFileImports } from './file-imports.ts';
import { type Output, writeOutput } from './write-output.ts';

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Compiles and evaluates what the options name, and writes the files that they ask for. */
export function evaluateInput(options: CliOptions): CliResult {
  let [stdout, stderr] = ['', ''];
  const fail = (text: string): CliResult => ({ stdout, stderr: `${stderr}${text}\n`, exitCode: 1 });
  const input = readInput(options);
  if ('problem' in input) return fail(input.problem);
  const { source, name, path } = input;
  const trace = (line: string): void => {
    stderr += `${line}\n`;
  };
  try {
    const program = compile(source, { name, path, imports: createFileImports(options.libraryFolders) });
    const inputs = { externals: options.externals, arguments: options.arguments, trace };
    writeOutput(evaluate({ program, options, inputs }), options, (text) => {
      stdout += text;
    });
    return { stdout, stderr, exitCode: 0 };
  } catch (error) {
    if (error instanceof JsonnetError) return fail(error.format(options.maxTrace));
    if (error instanceof FileProblem) return fail(error.message);
    throw error;
  }
}

type Input = { readonly source: string; readonly name: string; readonly path: string } | { readonly problem: string };

function readInput({ input, isCode }: CliOptions): Input {
  if (isCode) return { source: input, name: '<cmdline>', path: '' };
  if (input === '-') return { source: readFileSync(0, 'utf8'), name: '<stdin>', path: '' };
  try {
    const path = normalize(input);
    return { source: readFileSync(input, 'utf8'), name: path, path };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return {
      problem: `${error.syscall === 'open' ? 'Opening' : 'Reading'} input file: ${input}: ${fileErrorReason(error)}`,
    };
  }
}

interface Evaluation {
  readonly program: Program;
  readonly options: CliOptions;
  readonly inputs: Inputs;
}

/** Only the stack is limited, as in the reference. */
function evaluate({ program, options, inputs }: Evaluation): Output {
  const limits: Limits = { frames: options.maxStack, steps: Infinity, outputBytes: Infinity, length: Infinity };
  const trim = (text: string): string => (options.lastNewline ? text : text.replace(/\n$/, ''));
  if (options.multiFolder !== undefined) {
    const files = options.isText ? program.toTextFiles(inputs, limits) : program.toFiles(inputs, limits);
    return { type: 'files', folder: options.multiFolder, files: new Map([...files].map(([name, text]) => [name, trim(text)])) };
  }
  if (options.isStream) return { type: 'documents', documents: program.toDocuments(inputs, limits) };
  return { type: 'text', text: trim(options.isText ? program.toText(inputs, limits) : program.toJson(inputs, limits)) };
}
