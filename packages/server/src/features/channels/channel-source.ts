import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { sleep } from '../../kernel/async/sleep.ts';
import type { HostPort } from '../../kernel/codec/host-port.ts';
import { listen } from '../../kernel/lifecycle/listen.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { Feed, type FeedSettings } from './simulator/feed.ts';
import { SourceStream, type StreamOptions } from './simulator/source-stream.ts';

export interface ChannelSourceSettings extends FeedSettings {
  readonly stream: StreamOptions;
  /** `live`: one stream, begun by the first client; who comes later gets what comes from then on. `connection`: each has its own. */
  readonly sequences: 'live' | 'connection';
  /** From its start on; 0: without an end. */
  readonly durationMs: number;
}

interface ChannelSourceOptions {
  readonly at: HostPort;
  readonly settings: ChannelSourceSettings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  /** The time is over, and every connection is closed. */
  readonly onDone: () => void;
}

const lastBytesMs = 1000;

/** A made-up source of channels, with the faults of a real one. It only sends. */
export class ChannelSource implements Part {
  readonly name = 'channel-source';
  /** The real one, also where port 0 was asked for. */
  readonly address: HostPort;
  readonly #options: ChannelSourceOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stopped = new AbortController();
  #live: Feed | undefined;

  private constructor(options: ChannelSourceOptions, server: Server, address: HostPort) {
    this.#options = options;
    this.#server = server;
    this.address = address;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(options: ChannelSourceOptions): Promise<ChannelSource> {
    const server = createServer();
    return new ChannelSource(options, server, await listen(server, { at: options.at, name: 'channel-source' }));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, startTimer, onDone } = this.#options;
    const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort');
    if (settings.durationMs > 0) {
      const isOver = await sleep(settings.durationMs, signal, startTimer);
      await this.#close();
      if (isOver) onDone();
    }
    await aborted;
    await this.#close();
  }

  /** What is sent already still arrives, but for clients that do not take it within a second. */
  async #close(): Promise<void> {
    this.#stopped.abort();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroySoon();
    const cancelTimer = this.#options.startTimer(lastBytesMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cancelTimer();
  }

  #serve(socket: Socket): void {
    const { settings, logger } = this.#options;
    const client = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#sockets.add(socket);
    socket.on('error', (error) => logger.debug({ client, err: error }, 'a connection failed'));
    // Clients have nothing to say; without reading, their end would not be seen.
    socket.resume();
    const own = new AbortController();
    socket.once('close', () => {
      this.#sockets.delete(socket);
      own.abort();
      logger.info({ client }, 'a client has left');
    });
    logger.info({ client, sequences: settings.sequences }, 'a client has come');
    if (settings.sequences === 'live') {
      this.#live ??= this.#begin(this.#stopped.signal);
      this.#live.join(socket);
    } else {
      this.#begin(AbortSignal.any([own.signal, this.#stopped.signal])).join(socket);
    }
  }

  /** The first bytes go out in a later turn, so who has begun it misses none. */
  #begin(signal: AbortSignal): Feed {
    const { settings, clock, startTimer, logger } = this.#options;
    const feed = new Feed({ stream: new SourceStream(settings.stream), settings, clock, startTimer });
    void Promise.resolve()
      .then(() => feed.run(signal))
      .catch((error: unknown) => logger.error({ err: error }, 'the source has stopped sending'));
    return feed;
  }
}
