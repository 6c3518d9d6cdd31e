import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const countsSchema = z.object({
  packets: z.number(),
  bytes: z.number(),
  reads: z.number(),
  /** Numbers that a viewer passed over, and those that did not rise. */
  missing: z.number(),
  disorder: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
});
export type ReaderCounts = z.infer<typeof countsSchema>;

interface ReaderOptions {
  readonly port: number;
  readonly viewers: number;
  /** The first ones of them, which never read. */
  readonly stalled: number;
  readonly payloadBytes: number;
  /** Viewers are shared out evenly; each channel has a process of its own. */
  readonly channels: readonly string[];
}

const fileHere = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** How readers are started: in C where there is a compiler, else by Node. `folder` is for what is compiled. */
export function readerCommand(folder: string): readonly string[] {
  const program = join(folder, 'reader');
  try {
    execFileSync('cc', ['-O2', '-o', program, fileHere('./reader.c')], { stdio: 'ignore' });
    return [program];
  } catch {
    return [process.execPath, fileHere('./reader-main.ts')];
  }
}

/** Viewers in processes of their own. */
export class ViewerReaders implements AsyncDisposable {
  readonly #readers;

  constructor([program = '', ...before]: readonly string[], { port, viewers, stalled, payloadBytes, channels }: ReaderOptions) {
    const numbers = [port, viewers / channels.length, stalled, payloadBytes].map(String);
    this.#readers = channels.map((channel) => {
      const child = spawn(program, [...before, ...numbers, channel], { stdio: ['pipe', 'pipe', 'inherit'] });
      return { child, lines: createInterface({ input: child.stdout }) };
    });
  }

  reset(): void {
    for (const { child } of this.#readers) child.stdin.write('r');
  }

  /** Over all channels; times are those of the slowest. */
  async counts(): Promise<ReaderCounts> {
    const counts = await Promise.all(
      this.#readers.map(async ({ child, lines }) => {
        child.stdin.write('p');
        const [line] = await once(lines, 'line');
        return countsSchema.parse(JSON.parse(String(line)));
      }),
    );
    const sum = (of: (one: ReaderCounts) => number): number => counts.reduce((before, one) => before + of(one), 0);
    const slowest = (of: (one: ReaderCounts) => number): number => Math.max(...counts.map(of));
    return {
      packets: sum(({ packets }) => packets),
      bytes: sum(({ bytes }) => bytes),
      reads: sum(({ reads }) => reads),
      missing: sum(({ missing }) => missing),
      disorder: sum(({ disorder }) => disorder),
      p50Ms: slowest(({ p50Ms }) => p50Ms),
      p99Ms: slowest(({ p99Ms }) => p99Ms),
      maxMs: slowest(({ maxMs }) => maxMs),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#readers.map(async ({ child }) => {
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }),
    );
  }
}
