import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { formatHostPort, type HostPort } from '../../kernel/codec/host-port.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { BrokenFrames, V1Reader } from './fanout/v1-reader.ts';
import { FramedOrder } from './watch/framed-order.ts';

export interface ChannelViewerSettings {
  readonly server: HostPort;
  readonly user: string;
  readonly channel: string;
  /** `v1`: numbers are checked, and a new connection goes on behind the last one. */
  readonly frame: 'raw' | 'v1';
  /** As in the handshake. */
  readonly from: string;
  /** Where payloads go; empty: they are only counted. */
  readonly file: string;
  /** After so many milliseconds it ends; 0: never. */
  readonly durationMs: number;
  /** Bytes of payload after which it ends; 0: never. */
  readonly bytes: number;
  /** Connect again when the connection ends; otherwise that is the end. */
  readonly reconnect: boolean;
}

interface ChannelViewerOptions {
  readonly settings: ChannelViewerSettings;
  readonly logger: Logger;
  /** It has seen all that it was to see. */
  readonly onDone: () => void;
}

const retryMs = { initialMs: 100, maxMs: 5000, holdMs: 5000 };
const maxFrameBytes = 16 * 1024 * 1024;
const maxRefusalBytes = 1024;

/** A viewer of one channel. Rejects with `viewerRefused` where it is turned away, and with `viewerDisordered` where the order is broken. */
export class ChannelViewer implements Part {
  readonly name = 'channel-viewer';
  readonly #options: ChannelViewerOptions;
  readonly #order = new FramedOrder();
  readonly #backoff = new Backoff(retryMs);
  #bytes = 0;

  constructor(options: ChannelViewerOptions) {
    this.#options = options;
  }

  get counts() {
    return { ...this.#order.counts, bytes: this.#bytes };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, logger, onDone } = this.#options;
    const file = settings.file === '' ? undefined : createWriteStream(settings.file);
    // Before it is written to: a file that cannot be opened ends the viewer.
    if (file) await once(file, 'open');
    const stop = settings.durationMs > 0 ? AbortSignal.any([signal, AbortSignal.timeout(settings.durationMs)]) : signal;
    try {
      await this.#watch(file, stop);
    } finally {
      file?.end();
      if (file) await finished(file);
    }
    logger.info(this.counts, 'watched');
    if (this.#order.counts.disorder > 0)
      throw new AppError('viewerDisordered', `${this.#order.counts.disorder} frames of ${settings.channel} were not in order.`);
    if (signal.aborted) return;
    const aborted = once(signal, 'abort');
    onDone();
    await aborted;
  }

  async #watch(file: Writable | undefined, stop: AbortSignal): Promise<void> {
    const { settings, logger } = this.#options;
    while (!stop.aborted && !this.#isEnough) {
      const end = await this.#connection(file, stop);
      if (stop.aborted || this.#isEnough) return;
      logger.info({ ...this.counts, end }, 'the connection has ended');
      if (!settings.reconnect) return;
      await sleep(this.#backoff.next(), stop);
    }
  }

  get #isEnough(): boolean {
    const { bytes } = this.#options.settings;
    return bytes > 0 && this.#bytes >= bytes;
  }

  /** One connection, from its line to its end; settles with the reason of the end. */
  async #connection(file: Writable | undefined, stop: AbortSignal): Promise<string> {
    const { settings } = this.#options;
    const socket = connect({ ...settings.server, noDelay: true });
    const destroy = () => socket.destroy();
    stop.addEventListener('abort', destroy, { once: true });
    try {
      await once(socket, 'connect', { signal: stop });
      socket.write(`${this.#line()}\n`);
      await this.#read(socket, file);
      return 'closed';
    } catch (error) {
      if (error instanceof AppError) throw error;
      return error instanceof Error ? error.message : String(error);
    } finally {
      stop.removeEventListener('abort', destroy);
      socket.destroy();
    }
  }

  #line(): string {
    const { user, channel, frame, from } = this.#options.settings;
    const start = this.#order.position ?? from;
    const options = [...(start === 'live' ? [] : [`from=${start}`]), ...(frame === 'v1' ? ['frame=v1'] : [])];
    return [user, channel, options.join(',')].join(' ').trimEnd();
  }

  async #read(socket: Socket, file: Writable | undefined): Promise<void> {
    const take = this.#options.settings.frame === 'v1' ? this.#framed(new V1Reader(maxFrameBytes)) : (chunk: Buffer) => [chunk];
    for await (const chunk of socket) {
      this.#backoff.succeeded();
      for (const payload of take(Buffer.from(chunk))) {
        this.#bytes += payload.length;
        if (file && !file.write(payload)) await once(file, 'drain');
      }
      if (this.#isEnough) return;
    }
  }

  /** Payloads of the frames in a chunk; copies, since a file may keep them. */
  #framed(reader: V1Reader): (chunk: Buffer) => readonly Uint8Array[] {
    const { server, channel } = this.#options.settings;
    let refusal = '';
    return (chunk) => {
      // No frame begins with an E: this is a line.
      if (refusal !== '' || (reader.pendingBytes === 0 && chunk.subarray(0, 3).equals(Buffer.from('ERR')))) {
        refusal = (refusal + chunk.toString('utf8')).slice(0, maxRefusalBytes);
        if (!refusal.includes('\n')) return [];
        throw new AppError('viewerRefused', `${formatHostPort(server)} refuses to show ${channel}: ${refusal.trim()}.`);
      }
      const payloads: Uint8Array[] = [];
      try {
        for (const frame of reader.read(chunk))
          if (this.#order.take(frame) && frame.type === 'data') payloads.push(Buffer.from(frame.payload));
      } catch (error) {
        if (!(error instanceof BrokenFrames)) throw error;
        throw new AppError('viewerDisordered', `${formatHostPort(server)} sends no frames: ${error.message}`, { cause: error });
      }
      return payloads;
    };
  }
}
