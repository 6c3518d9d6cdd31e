import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { peakRssMb } from '../ingest/process-usage.ts';

const measuredSchema = z.object({
  seconds: z.number(),
  cpuUs: z.number(),
  /** Of it in user mode. */
  userUs: z.number(),
  delivered: z.number(),
  dropped: z.number(),
  /** Viewers that lag by more than a megabyte at the end. */
  lagging: z.number(),
  published: z.number(),
  /** CPU time of bringing packets in order into the output of the channel. */
  orderingUs: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;

interface FanOutOptions {
  readonly kind: 'fan-out' | 'naive';
  /** For the store of usage. */
  readonly folder: string;
  readonly payloadBytes: number;
  readonly shuffled: number;
  readonly channels: number;
}

/** A fan-out in a process of its own. */
export class MeasuredFanOut implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start({ kind, folder, payloadBytes, shuffled, channels }: FanOutOptions): Promise<MeasuredFanOut> {
    const child = fork(fileURLToPath(new URL('./fan-out-main.ts', import.meta.url)), [
      kind,
      folder,
      ...[payloadBytes, shuffled, channels].map(String),
    ]);
    const [{ port }] = await once(child, 'message');
    return new MeasuredFanOut(child, z.number().parse(port));
  }

  async untilViewers(count: number): Promise<void> {
    for (;;) {
      this.#child.send({ mode: 'viewers' });
      const [{ viewers }] = await once(this.#child, 'message');
      if (viewers === count) return;
      await sleep(20);
    }
  }

  saturate(seconds: number): Promise<Measured> {
    return this.#measure({ mode: 'saturated', seconds });
  }

  pace(perSecond: number, seconds: number): Promise<Measured> {
    return this.#measure({ mode: 'paced', seconds, perSecond });
  }

  peakRssMb(): number {
    return peakRssMb(this.#child.pid ?? 0);
  }

  async #measure(message: object): Promise<Measured> {
    this.#child.send(message);
    const [answer] = await once(this.#child, 'message');
    return measuredSchema.parse(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
