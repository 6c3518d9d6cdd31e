import { readFileSync } from 'node:fs';
import { errorText, isAppError } from '../kernel/errors/app-error.ts';
import { exitCodeOf, exitCodes } from '../kernel/lifecycle/exit-code.ts';
import { type Checkpoint, noCheckpoint } from '../kernel/observe/checkpoint.ts';
import type { CliContext } from './cli-context.ts';
import { commandNames } from './command-names.ts';
import { runCommand } from './commands.ts';
import { runComponents } from './run-components.ts';

/**
 * The command line: `sluice <component...>` runs components, `sluice <command>` looks at or changes a data folder.
 * Resolves to the exit code. `checkpoint` is for the crash suites.
 */
export async function runCli(argv: readonly string[], { checkpoint = noCheckpoint }: { checkpoint?: Checkpoint } = {}): Promise<number> {
  const context: CliContext = {
    // biome-ignore lint/style/noProcessEnv: the one place that reads it; everything else gets it from here
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    checkpoint,
  };
  // Whoever read the output may have had enough of it.
  process.stdout.on('error', (error) => {
    if (!isClosedPipe(error)) throw error;
  });
  const isCommand = commandNames.has(argv[0] ?? '');
  try {
    return isCommand ? await runCommand(argv, context) : await runComponents(argv, context);
  } catch (error) {
    if (isCommand && isClosedPipe(error)) return exitCodes.clean;
    context.err(
      `sluice: ${isAppError(error) ? error.message : `unexpected error: ${error instanceof Error ? error.stack : errorText(error)}`}\n`,
    );
    return exitCodeOf(error);
  }
}

const isClosedPipe = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EPIPE';
