import type { External } from '../program.ts';

/** What the command line asks for; everything is plain data, so that a worker can be given it. */
export interface CliOptions {
  /** A file name, `-` for standard input, or the program itself with `isCode`. */
  readonly input: string;
  readonly isCode: boolean;
  readonly isText: boolean;
  readonly isStream: boolean;
  readonly lastNewline: boolean;
  readonly createFolders: boolean;
  /** Empty: standard output. */
  readonly outputFile: string;
  readonly multiFolder?: string;
  /** Searched from the last to the first, after the folder of the importing file. */
  readonly libraryFolders: readonly string[];
  readonly maxStack: number;
  readonly maxTrace: number;
  readonly externals: Readonly<Record<string, External>>;
  readonly arguments: Readonly<Record<string, External>>;
}

export type CliRequest =
  | { readonly type: 'evaluate'; readonly options: CliOptions }
  | { readonly type: 'help' | 'version' }
  | { readonly type: 'wrong'; readonly message: string; readonly showHelp?: boolean };

type Environment = Readonly<Record<string, string | undefined>>;
type Draft = { -readonly [K in keyof CliOptions]: CliOptions[K] } & {
  externals: Record<string, External>;
  arguments: Record<string, External>;
  libraryFolders: string[];
};

/** The words of a command line that belong together end here. */
class WrongUsage extends Error {}

/** Reads arguments as the reference command does: `-abc` is `-a -b -c`, a later option wins, `--` ends the options. */
export function parseArguments(args: readonly string[], environment: Environment): CliRequest {
  try {
    return parse(splitShortOptions(args), environment);
  } catch (error) {
    if (error instanceof WrongUsage) return { type: 'wrong', message: error.message };
    throw error;
  }
}

function parse(args: readonly string[], environment: Environment): CliRequest {
  const draft: Draft = {
    input: '',
    isCode: false,
    isText: false,
    isStream: false,
    lastNewline: true,
    createFolders: false,
    outputFile: '',
    libraryFolders: (environment['JSONNET_PATH'] ?? '').split(':').filter(Boolean).reverse(),
    maxStack: 500,
    maxTrace: 20,
    externals: {},
    arguments: {},
  };
  const inputs: string[] = [];
  let position = 0;
  const next = (): string => {
    position += 1;
    const value = args[position];
    if (value === undefined) throw new WrongUsage('Expected another commandline argument.');
    return value;
  };
  for (; position < args.length; position += 1) {
    const arg = args[position] ?? '';
    if (arg === '--') {
      inputs.push(...args.slice(position + 1));
      break;
    }
    if (arg === '-h' || arg === '--help') return { type: 'help' };
    if (arg === '-v' || arg === '--version') return { type: 'version' };
    const isKnown = readSwitch(arg, draft) || readValue({ arg, draft, next }) || readVariable({ arg, draft, next, environment });
    if (isKnown) continue;
    if (arg.length > 1 && arg.startsWith('-')) throw new WrongUsage(`ERROR: unrecognized argument: ${arg}`);
    inputs.push(arg);
  }
  if (draft.isStream && !draft.lastNewline) throw new WrongUsage('ERROR: cannot use --no-trailing-newline with --yaml-stream');
  const wanted = draft.isCode ? 'code' : 'filename';
  const [input, more] = inputs;
  if (input === undefined) return { type: 'wrong', message: `ERROR: must give ${wanted}`, showHelp: true };
  if (more !== undefined) throw new WrongUsage(`ERROR: only one ${wanted} is allowed`);
  return { type: 'evaluate', options: { ...draft, input } };
}

function readSwitch(arg: string, draft: Draft): boolean {
  if (arg === '-e' || arg === '--exec') draft.isCode = true;
  else if (arg === '-S' || arg === '--string') draft.isText = true;
  else if (arg === '-y' || arg === '--yaml-stream') draft.isStream = true;
  else if (arg === '-c' || arg === '--create-output-dirs') draft.createFolders = true;
  else if (arg === '--no-trailing-newline') draft.lastNewline = false;
  else return false;
  return true;
}

interface Reading {
  readonly arg: string;
  readonly draft: Draft;
  readonly next: () => string;
}

function readValue({ arg, draft, next }: Reading): boolean {
  const text = (option: string): string => {
    const value = next();
    if (value === '') throw new WrongUsage(`ERROR: ${option} argument was empty string`);
    return value;
  };
  const number = (option: string, least: number): number => {
    const value = next();
    if (!/^[+-]?\d+$/.test(value)) throw new WrongUsage(`Invalid integer "${value}"`);
    if (Number(value) < least) throw new WrongUsage(`ERROR: invalid ${option} value: ${Number(value)}`);
    return Number(value);
  };
  if (arg === '-o' || arg === '--output-file') draft.outputFile = text('-o');
  else if (arg === '-m' || arg === '--multi') draft.multiFolder = text('-m');
  else if (arg === '-J' || arg === '--jpath') draft.libraryFolders.push(text('-J'));
  else if (arg === '-s' || arg === '--max-stack') draft.maxStack = number('--max-stack', 1);
  else if (arg === '-t' || arg === '--max-trace') draft.maxTrace = number('--max-trace', 0);
  else return false;
  return true;
}

const variableOptions: Readonly<Record<string, string>> = { '-V': '--ext-str', '-A': '--tla-str' };

function readVariable({ arg, draft, next, environment }: Reading & { readonly environment: Environment }): boolean {
  const [, kind, type, isFile] = /^--(ext|tla)-(str|code)(-file)?$/.exec(variableOptions[arg] ?? arg) ?? [];
  if (kind === undefined) return false;
  const word = next();
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const target = kind === 'ext' ? draft.externals : draft.arguments;
  if (isFile) {
    if (equals < 0) throw new WrongUsage(`ERROR: argument not in form <var>=<file> "${word}"`);
    const path = word.slice(equals + 1).replaceAll("'", "''");
    target[name] = { type: 'code', source: `${type === 'str' ? 'importstr' : 'import'} @'${path}'` };
    return true;
  }
  const value = equals < 0 ? environment[name] : word.slice(equals + 1);
  if (value === undefined) throw new WrongUsage(`ERROR: environment variable ${name} was undefined`);
  target[name] = type === 'str' ? { type: 'text', value } : { type: 'code', source: value };
  return true;
}

function splitShortOptions(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  const split = options.flatMap((arg) => (/^-[^-]./su.test(arg) ? [...arg.slice(1)].map((letter) => `-${letter}`) : [arg]));
  return end < 0 ? split : [...split, ...args.slice(end)];
}
