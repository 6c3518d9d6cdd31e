import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type KeptViewer, viewerSchema } from './kept-connection.ts';

interface KeptViewersOptions {
  readonly port: number;
  readonly viewers: number;
  readonly channel: string;
  readonly seed: number;
  readonly payloadBytes: number;
}

const program = fileURLToPath(new URL('./viewers-main.ts', import.meta.url));

/** Viewers `user-0`, `user-1`, … in a process of their own. One command at a time. */
export class KeptViewers implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  constructor({ port, viewers, channel, seed, payloadBytes }: KeptViewersOptions) {
    const args = [port, viewers, channel, seed, payloadBytes].map(String);
    this.#child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  /** Connections that were made so far, and the packets of the newest one of the viewer that has fewest. */
  async count(): Promise<readonly [connections: number, fewest: number]> {
    return z.tuple([z.number(), z.number()]).parse(await this.#ask('count'));
  }

  /** From now on a connection that ends is the last one. */
  async end(): Promise<void> {
    await this.#ask('end');
  }

  async report(): Promise<KeptViewer[]> {
    return z.array(viewerSchema).parse(await this.#ask('report'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #ask(command: string): Promise<unknown> {
    this.#child.stdin.write(`${command}\n`);
    const [line] = await once(this.#lines, 'line');
    return JSON.parse(String(line));
  }
}
