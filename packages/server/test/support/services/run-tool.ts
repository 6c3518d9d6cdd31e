import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';

interface ToolOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its standard input. */
  readonly input?: string;
}

const run = promisify(execFile);
/** An installation over a slow line. */
const longestMs = 400_000;

/** Runs a program to its end and gives its standard output. Rejects with the end of what it said where it fails. */
export async function runTool(program: string, args: readonly string[], { cwd, env, input }: ToolOptions = {}): Promise<string> {
  const running = run(program, args, { cwd, env: env ?? process.env, maxBuffer: 64 << 20, timeout: longestMs });
  running.child.stdin?.on('error', () => undefined).end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const end = saidBy(error).split('\n').slice(-5).join('\n') || String(error);
    throw new Error(`${program} ${args[0] ?? ''} failed: ${end}`, { cause: error });
  }
}

/** Both outputs: some programs say their errors on the standard one. */
function saidBy(error: unknown): string {
  if (!(error instanceof Error && 'stderr' in error && 'stdout' in error)) return '';
  return stripVTControlCharacters(`${error.stdout}${error.stderr}`).trim();
}

/** Path of an executable: the name itself where it is absolute, else the first on the PATH. */
export async function findProgram(name: string): Promise<string | undefined> {
  const candidates = isAbsolute(name) ? [name] : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  for (const path of candidates) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
