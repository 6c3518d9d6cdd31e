import { Worker } from 'node:worker_threads';
import { parseArguments } from './cli-options.ts';
import { helpText, versionText } from './cli-texts.ts';
import type { CliResult } from './evaluate-input.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a level of Jsonnet may take of the machine stack, with its natives; reserved, not used. */
const stackKilobytesPerFrame = 16;
const stackMegabytes = (frames: number): number => Math.min(2048, 64 + Math.ceil((frames * stackKilobytesPerFrame) / 1024));

/** Runs `jsonnet-js` with the arguments; gives the exit code: 0, or 1 where anything is wrong. */
export async function runCli(args: readonly string[], environment: Environment): Promise<number> {
  const request = parseArguments(args, environment);
  switch (request.type) {
    case 'help':
      return print({ stdout: helpText, stderr: '', exitCode: 0 });
    case 'version':
      return print({ stdout: versionText, stderr: '', exitCode: 0 });
    case 'wrong':
      return print({ stdout: '', stderr: `${request.message}\n${request.showHelp ? `\n${helpText}` : ''}`, exitCode: 1 });
    case 'evaluate':
      return print(await inWorker(request.options.maxStack, request.options));
  }
}

/** Deep programs need more stack than the main thread has. */
function inWorker(frames: number, workerData: unknown): Promise<CliResult> {
  const worker = new Worker(new URL('./evaluate-worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { stackSizeMb: stackMegabytes(frames) },
  });
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (error) => resolve({ stdout: '', stderr: `${error instanceof Error ? error.message : error}\n`, exitCode: 1 }));
  });
}

async function print({ stdout, stderr, exitCode }: CliResult): Promise<number> {
  await Promise.all([written(process.stdout, stdout), written(process.stderr, stderr)]);
  return exitCode;
}

const written = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve) => {
    if (text === '') resolve();
    else stream.write(text, () => resolve());
  });
