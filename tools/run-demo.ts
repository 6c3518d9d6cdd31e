import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onStopSignal } from './stop-signals.ts';

/** What a demo runs in. */
export interface DemoRun {
  /** Empty at first, and removed where the demo succeeds. */
  readonly folder: string;
  /** Where the processes of the demo log to: the end of it is shown when the demo fails. */
  readonly logFile: string;
  /** Aborts at a stop signal, and when the demo takes too long. */
  readonly signal: AbortSignal;
}

const wholeTimeoutMs = 120_000;

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a demo in a folder of its own and sets the exit code. The demo resolves to the count that its last line tells, and rejects where anything is wrong. */
export async function runDemo(name: string, demo: (run: DemoRun) => Promise<number>): Promise<void> {
  process.exitCode = await exitCodeOf(name, demo);
}

async function exitCodeOf(name: string, demo: (run: DemoRun) => Promise<number>): Promise<number> {
  const stopped = new AbortController();
  onStopSignal(() => stopped.abort(new Error('stopped by a signal')));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  const logFile = join(folder, 'service.log');
  try {
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(wholeTimeoutMs)]);
    const count = await demo({ folder, logFile, signal });
    await rm(folder, { recursive: true });
    say(`\ndemo ${name} ok ${count}`);
    return 0;
  } catch (error) {
    if (stopped.signal.aborted) {
      await rm(folder, { recursive: true, force: true });
      say('\nstopped; the service and its folder are gone');
      return 130;
    }
    const log = await readFile(logFile, 'utf8').catch(() => '');
    if (log !== '') say(`\n${log.slice(-4000).trimEnd()}`);
    say(`\ndemo ${name} FAILED: ${error instanceof Error ? error.message : String(error)}`);
    say(`Kept for a look: ${folder} (what it wrote, and the log as service.log)`);
    return 1;
  }
}
