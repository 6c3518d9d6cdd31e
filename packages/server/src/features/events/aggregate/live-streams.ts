import { sleep } from '../../../kernel/async/sleep.ts';
import type { AggregatorMeter, StreamEnd } from '../aggregator-metrics.ts';
import { LiveSeries, type LiveSeriesOptions } from './live-series.ts';
import type { LiveQuery } from './series-query.ts';
import type { StreamClient, StreamSink } from './stream-client.ts';

interface LiveStreamsOptions extends LiveSeriesOptions {
  readonly maxClients: number;
  readonly heartbeatMs: number;
  /** A client that takes nothing for this time is disconnected. */
  readonly maxBlockedMs: number;
  /** Names of starts, all different. */
  readonly startName: () => string;
  readonly meter: AggregatorMeter;
}

interface OpenSeries {
  readonly live: LiveSeries;
  readonly stop: AbortController;
  /** Monotonic milliseconds; undefined while it has clients. */
  idleSince: number | undefined;
}

interface StreamRequest {
  readonly query: LiveQuery;
  readonly sink: StreamSink;
  readonly lastEventId: string | undefined;
}

/** Series that differ in range, step, function or time zone and are followed at the same time. */
const maxSeries = 16;
/** How long a series without clients is followed: one that comes back goes on where it was. */
const lingerMs = 60_000;
/** A reset has come by then. */
const goneMs = 1000;

/** All streams of the process: bounded in clients and in series. Clients with the same query share the series. */
export class LiveStreams {
  readonly #options: LiveStreamsOptions;
  readonly #series = new Map<string, OpenSeries>();
  /** Cut off, and not closed yet. */
  readonly #slow = new WeakSet<StreamClient>();
  #state: 'open' | 'stopping' = 'open';

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
    options.meter.watch({ clients: () => this.#clientCount, series: () => this.#series.size });
  }

  get #clientCount(): number {
    return [...this.#series.values()].reduce((sum, { live }) => sum + live.clients.size, 0);
  }

  /** Why a stream of this query cannot be had now. */
  refusal(query: LiveQuery): 'shutdown' | 'overloaded' | undefined {
    if (this.#state === 'stopping') return 'shutdown';
    if (this.#clientCount >= this.#options.maxClients) return 'overloaded';
    if (this.#series.has(keyOf(query)) || this.#series.size < maxSeries) return undefined;
    return [...this.#series.values()].some(({ idleSince }) => idleSince !== undefined) ? undefined : 'overloaded';
  }

  /** The sink gets the stream, until it closes. Only where there is no `refusal`. */
  open({ query, sink, lastEventId }: StreamRequest): StreamClient {
    const series = this.#series.get(keyOf(query)) ?? this.#follow(query);
    series.idleSince = undefined;
    const client = series.live.join({ sink, types: query.types, lastEventId });
    sink.on('close', () => {
      if (this.#state === 'open' && !this.#slow.has(client)) this.#options.meter.streamEnded('gone');
      if (series.live.clients.size === 0) series.idleSince = this.#options.clock.monotonic();
    });
    return client;
  }

  /**
   * The client has ended its own side, and may be gone: then its system answers what is written with a reset, which only
   * a later write meets.
   */
  halfClosed(client: StreamClient): void {
    client.heartbeat();
    this.#options.startTimer(goneMs, () => client.heartbeat());
  }

  /** Heartbeats, and the end of who is slow and of what nobody follows, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { heartbeatMs, startTimer } = this.#options;
    while (await sleep(heartbeatMs, signal, startTimer)) this.tend();
    this.end();
  }

  tend(): void {
    const { clock, maxBlockedMs } = this.#options;
    for (const [key, { live, stop, idleSince }] of this.#series) {
      for (const client of live.clients) {
        if (client.blockedMs < maxBlockedMs) client.heartbeat();
        else this.#cut(client, 'slow');
      }
      if (idleSince === undefined || clock.monotonic() - idleSince < lingerMs) continue;
      stop.abort();
      this.#series.delete(key);
    }
  }

  /** Every stream ends, and none begins any more. Clients come back to whoever takes over. */
  end(): void {
    this.#state = 'stopping';
    for (const { live, stop } of this.#series.values()) {
      stop.abort();
      for (const client of live.clients) this.#cut(client, 'stopped');
    }
    this.#series.clear();
  }

  #cut(client: StreamClient, reason: Exclude<StreamEnd, 'gone'>): void {
    this.#options.meter.streamEnded(reason);
    if (reason === 'slow') {
      this.#slow.add(client);
      client.destroy();
    } else client.end();
  }

  #follow(query: LiveQuery): OpenSeries {
    if (this.#series.size >= maxSeries) this.#dropIdle();
    const stop = new AbortController();
    const live = new LiveSeries(query, this.#options.startName(), this.#options);
    const series: OpenSeries = { live, stop, idleSince: undefined };
    this.#series.set(keyOf(query), series);
    void live.run(stop.signal);
    return series;
  }

  #dropIdle(): void {
    for (const [key, { stop, idleSince }] of this.#series) {
      if (idleSince === undefined) continue;
      stop.abort();
      this.#series.delete(key);
      return;
    }
  }
}

const keyOf = ({ fn, rangeMs, rule }: LiveQuery): string => JSON.stringify([fn, rangeMs, rule.stepMs, rule.timeZone]);
