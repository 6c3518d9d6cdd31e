import { connect, type Socket } from 'node:net';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { formatHostPort, type HostPort } from '../../../kernel/codec/host-port.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Metrics } from '../../../kernel/observe/metrics.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { SourceConnection } from '../order/connections.ts';
import type { orderMetricTable } from '../order-metrics.ts';
import type { SourceSettings } from '../source-settings.ts';
import type { Frame } from './frame.ts';
import { FrameParser } from './frame-parser.ts';
import { type DisconnectReason, nextSourceState, type SourceEvent, type SourceState } from './source-state.ts';

interface SourceClientOptions {
  readonly address: HostPort;
  readonly settings: SourceSettings;
  readonly onFrame: (frame: Frame, connection: SourceConnection) => void;
  /** Nothing is read while it is true. */
  readonly isShortOfMemory: () => boolean;
  readonly metrics: Metrics<typeof orderMetricTable>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
}

export interface SourceStatistics {
  readonly source: string;
  readonly state: SourceState['type'];
  readonly connects: number;
  readonly bytes: number;
  readonly frames: number;
  /** Why it was disconnected last. */
  readonly lastReason: DisconnectReason | undefined;
  /** Of the newest frame, in hexadecimal. */
  readonly lastPrefix: string;
}

/** Bytes that are read at once, into the same memory each time: whoever keeps some of them has copied them before the next. */
const readBytes = 64 * 1024;
const pauseMs = 10;
/** A connection that held so long makes the next waits short again. */
const healthyMs = 30_000;

class Connection implements SourceConnection {
  isOpen = true;
}

/** Keeps a connection to one source, and hands its frames on. The source is never written to. */
export class SourceClient {
  readonly #options: SourceClientOptions;
  readonly #name: string;
  readonly #backoff: Backoff;
  readonly #buffer = Buffer.alloc(readBytes);
  #state: SourceState = { type: 'idle' };
  #parser: FrameParser;
  /** Of earlier connections. */
  #before = { frames: 0, outOfRange: 0, resyncs: 0, skippedBytes: 0 };
  #connects = 0;
  #bytes = 0;
  #pauses = 0;
  #lastReason: DisconnectReason | undefined;
  /** What the log says of the present outage. */
  #told: DisconnectReason | undefined;
  #lastBytesAt = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: SourceClientOptions) {
    const { address, settings, clock, random } = options;
    this.#options = options;
    this.#name = formatHostPort(address);
    this.#backoff = new Backoff({ ...settings.backoff, jitter: 1, holdMs: healthyMs, random, clock });
    this.#parser = new FrameParser({ ...settings, onFrame: () => {} });
    this.#measure();
  }

  statistics(): SourceStatistics {
    return {
      source: this.#name,
      state: this.#state.type,
      connects: this.#connects,
      bytes: this.#bytes,
      frames: this.#before.frames + this.#parser.frames,
      lastReason: this.#lastReason,
      lastPrefix: this.#parser.lastPrefix,
    };
  }

  /** Until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { startTimer, metrics } = this.#options;
    while (!signal.aborted) {
      this.#apply({ type: 'connect' });
      const { reason, detail } = await this.#stream(signal);
      if (signal.aborted) break;
      this.#apply({ type: 'closed', reason, waitMs: this.#backoff.next() });
      if (this.#state.type !== 'backoff') break;
      const { waitMs } = this.#state;
      this.#lastReason = this.#state.reason;
      metrics.counter('sluice_channels_source_disconnects_total', { source: this.#name, reason: this.#lastReason }).inc();
      this.#tell(this.#lastReason, detail);
      await sleep(waitMs, signal, startTimer);
    }
    this.#apply({ type: 'stop' });
  }

  /** A line where something is new, not for each try. A source that nobody has started yet is no fault. */
  #tell(reason: DisconnectReason, detail: string | undefined): void {
    const { logger } = this.#options;
    if (this.#told === reason) return;
    this.#told = reason;
    const fields = { source: this.#name, reason, detail, prefix: this.#parser.lastPrefix };
    if (this.#connects === 0 && reason === 'refused') logger.info(fields, 'the source is not there yet; it is tried until it comes');
    else logger.warn(fields, 'no connection to the source; it is tried until it comes');
  }

  #apply(event: SourceEvent): void {
    this.#state = nextSourceState(this.#state, event);
  }

  /** One connection, to its end. */
  async #stream(signal: AbortSignal): Promise<{ reason: DisconnectReason; detail: string | undefined }> {
    const { address, settings, clock, onFrame } = this.#options;
    const connection = new Connection();
    this.#keepCounts();
    this.#parser = new FrameParser({ ...settings, onFrame: (frame) => onFrame(frame, connection) });
    const ended = Promise.withResolvers<void>();
    let failure: unknown;
    const socket: Socket = connect({
      ...address,
      onread: { buffer: this.#buffer, callback: (length) => this.#take(socket, length) },
    });
    const stop = () => socket.destroy();
    socket.on('error', (error) => {
      failure = error;
    });
    socket.once('connect', () => this.#onConnected(socket));
    socket.once('close', () => ended.resolve());
    this.#lastBytesAt = clock.monotonic();
    this.#watch(socket, settings.connectTimeoutMs, 'connectTimeout');
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await ended.promise;
    connection.isOpen = false;
    this.#cancelTimer();
    signal.removeEventListener('abort', stop);
    return { reason: reasonOf(failure), detail: failure === undefined ? undefined : errorText(failure) };
  }

  #onConnected(socket: Socket): void {
    const { settings, clock, logger } = this.#options;
    this.#apply({ type: 'connected' });
    this.#connects += 1;
    this.#told = undefined;
    this.#lastBytesAt = clock.monotonic();
    socket.setKeepAlive(true);
    this.#watch(socket, settings.idleMs, 'stalled');
    logger.info({ source: this.#name }, 'connected to the source');
  }

  /** One chunk; false pauses the socket. */
  #take(socket: Socket, length: number): boolean {
    const { clock, isShortOfMemory } = this.#options;
    const now = clock.monotonic();
    if (this.#state.type === 'closing') return false;
    this.#lastBytesAt = now;
    this.#bytes += length;
    if (this.#parser.frames > 0) this.#backoff.succeeded();
    if (this.#parser.push(this.#buffer.subarray(0, length), now)) {
      this.#giveUp(socket, 'protocol');
      return false;
    }
    if (!isShortOfMemory()) return true;
    this.#pause(socket);
    return false;
  }

  /** What waits for its order leaves within the reorder timeout, so the pause ends. */
  #pause(socket: Socket): void {
    const { clock, settings, startTimer, isShortOfMemory } = this.#options;
    this.#apply({ type: 'pause' });
    this.#pauses += 1;
    const look = () => {
      if (isShortOfMemory()) {
        this.#cancelTimer = startTimer(pauseMs, look);
        return;
      }
      this.#apply({ type: 'resume' });
      this.#lastBytesAt = clock.monotonic();
      this.#watch(socket, settings.idleMs, 'stalled');
      socket.resume();
    };
    this.#cancelTimer();
    this.#cancelTimer = startTimer(pauseMs, look);
  }

  /** Gives the connection up once nothing came for so long. */
  #watch(socket: Socket, limitMs: number, reason: DisconnectReason): void {
    const { clock, startTimer } = this.#options;
    this.#cancelTimer();
    const leftMs = this.#lastBytesAt + limitMs - clock.monotonic();
    if (leftMs <= 0) this.#giveUp(socket, reason);
    else this.#cancelTimer = startTimer(leftMs, () => this.#watch(socket, limitMs, reason));
  }

  #giveUp(socket: Socket, reason: DisconnectReason): void {
    this.#apply({ type: 'giveUp', reason });
    socket.destroy();
  }

  #keepCounts(): void {
    const { frames, outOfRange, resyncs, skippedBytes } = this.#parser;
    this.#before = {
      frames: this.#before.frames + frames,
      outOfRange: this.#before.outOfRange + outOfRange,
      resyncs: this.#before.resyncs + resyncs,
      skippedBytes: this.#before.skippedBytes + skippedBytes,
    };
  }

  #measure(): void {
    const { metrics } = this.#options;
    const labels = { source: this.#name };
    const isConnected = () => (this.#state.type === 'streaming' || this.#state.type === 'paused' ? 1 : 0);
    metrics.gaugeOf('sluice_channels_source_connected', labels, isConnected);
    metrics.counterOf('sluice_channels_source_connects_total', labels, () => this.#connects);
    metrics.counterOf('sluice_channels_source_bytes_total', labels, () => this.#bytes);
    metrics.counterOf('sluice_channels_source_pauses_total', labels, () => this.#pauses);
    metrics.gaugeOf('sluice_channels_source_prefix', labels, () => Number.parseInt(this.#parser.lastPrefix, 16));
    const both = (count: 'outOfRange' | 'resyncs' | 'skippedBytes') => () => this.#before[count] + this.#parser[count];
    metrics.counterOf('sluice_channels_source_out_of_range_total', labels, both('outOfRange'));
    metrics.counterOf('sluice_channels_source_resyncs_total', labels, both('resyncs'));
    metrics.counterOf('sluice_channels_source_skipped_bytes_total', labels, both('skippedBytes'));
  }
}

function reasonOf(failure: unknown): DisconnectReason {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  if (failure === undefined) return 'ended';
  if (code === 'ECONNREFUSED') return 'refused';
  return code === 'ECONNRESET' ? 'reset' : 'failed';
}
