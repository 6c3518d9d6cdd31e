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
  readonly channel: string;
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

/** Viewers in a process of their own. */
export class ViewerReaders implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  constructor([program = '', ...before]: readonly string[], { port, viewers, stalled, payloadBytes, channel }: ReaderOptions) {
    const numbers = [port, viewers, stalled, payloadBytes].map(String);
    this.#child = spawn(program, [...before, ...numbers, channel], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  reset(): void {
    this.#child.stdin.write('r');
  }

  async counts(): Promise<ReaderCounts> {
    this.#child.stdin.write('p');
    const [line] = await once(this.#lines, 'line');
    return countsSchema.parse(JSON.parse(String(line)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
