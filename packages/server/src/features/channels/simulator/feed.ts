import type { Socket } from 'node:net';
import { sleep } from '../../../kernel/async/sleep.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { SourceStream } from './source-stream.ts';

export interface FeedSettings {
  /** Numbers of each channel in a second. */
  readonly rate: number;
  /** Sends nothing for `stallMs`, each time after `stallEveryMs` of sending; 0: never. */
  readonly stallEveryMs: number;
  readonly stallMs: number;
  /** Ends every connection within a frame, each time after so many frames; 0: never. */
  readonly cutEvery: number;
}

interface FeedOptions {
  readonly stream: SourceStream;
  readonly settings: FeedSettings;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
}

const tickMs = 5;
/** A client that takes nothing while so much waits for it is left. */
const maxWaitingBytes = 16 * 1024 * 1024;

/** Sends one stream at its rate to its clients, all the same bytes from the moment on at which each has joined. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #clients = new Set<Socket>();
  #cuts = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get frames(): number {
    return this.#options.stream.frames;
  }

  join(client: Socket): void {
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
  }

  /** Until the signal aborts. Time in which it is stalled does not count, so nothing is caught up on. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, clock, startTimer } = this.#options;
    let startedAt = clock.monotonic();
    for (let slots = 0, stalls = 0; !signal.aborted; ) {
      const elapsedMs = clock.monotonic() - startedAt;
      const chunks: Buffer[] = [];
      for (const due = Math.floor((elapsedMs * settings.rate) / 1000) + 1; slots < due; slots += 1)
        chunks.push(...this.#options.stream.nextSlot());
      this.#send(chunks);
      if (settings.stallEveryMs > 0 && elapsedMs >= (stalls + 1) * settings.stallEveryMs) {
        stalls += 1;
        const stalledAt = clock.monotonic();
        await sleep(settings.stallMs, signal, startTimer);
        startedAt += clock.monotonic() - stalledAt;
      } else {
        await sleep(tickMs, signal, startTimer);
      }
    }
  }

  #send(chunks: readonly Buffer[]): void {
    const { cutEvery } = this.#options.settings;
    const last = chunks.at(-1);
    if (!last) return;
    const isCut = cutEvery > 0 && this.frames >= (this.#cuts + 1) * cutEvery;
    if (isCut) this.#cuts = Math.floor(this.frames / cutEvery);
    const bytes = Buffer.concat(isCut ? [...chunks.slice(0, -1), last.subarray(0, Math.ceil(last.length / 2))] : chunks);
    for (const client of this.#clients) {
      if (isCut) client.end(bytes);
      else if (client.writableLength > maxWaitingBytes) client.destroy();
      else client.write(bytes);
    }
    if (isCut) this.#clients.clear();
  }
}
