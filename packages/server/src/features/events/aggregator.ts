import type { Server } from 'node:http';
import type { SeriesType } from '@sluice/contract/event-series';
import type { LogEngine } from '../../engines/log/log-engine.ts';
import type { SeriesStore } from '../../engines/series/series-store.ts';
import { randomId } from '../../kernel/codec/random-id.ts';
import { errorTable } from '../../kernel/errors/error-table.ts';
import { createDataServer, type DataServerSettings } from '../../kernel/http/data-server.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { RateLimitedLog } from '../../kernel/observe/rate-limited-log.ts';
import type { CheckResult } from '../../kernel/observe/readiness.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import { faultText } from './aggregate/aggregator-answer.ts';
import { type AggregatorSources, serveAggregator } from './aggregate/aggregator-request.ts';
import { Compare } from './aggregate/compare.ts';
import { LiveStreams } from './aggregate/live-streams.ts';
import { SeriesApi } from './aggregate/series-api.ts';
import { StoreReads } from './aggregate/store-reads.ts';
import { StoreWatch } from './aggregate/store-watch.ts';
import { summaryAnswer } from './aggregate/summary.ts';
import type { AggregatorMeter } from './aggregator-metrics.ts';

export interface AggregatorRules {
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly maxPoints: number;
  /** `compat`: a point of `low` has the time at which its bucket ends. */
  readonly alignment: 'start' | 'compat';
  readonly partialMessage: 'partial' | 'ok';
  readonly storeTimeoutMs: number;
  readonly cacheMs: number;
  readonly pollMs: number;
  readonly maxStreams: number;
  readonly heartbeatMs: number;
  readonly maxBlockedMs: number;
  readonly maxFutureSkewMs: number;
}

/** What the aggregator reads. */
export interface AggregatorTarget {
  readonly stores: Readonly<Record<SeriesType, Pick<SeriesStore, 'readBuckets' | 'readOffsets' | 'probe'>>>;
  /** That the stores are filled from. */
  readonly log: LogEngine;
  readonly topic: string;
  /** Group in which the consumer of a type commits. */
  readonly groupOf: (type: SeriesType) => string;
}

interface AggregatorOptions {
  readonly rules: AggregatorRules;
  /** `disabled`: requests are answered, and nothing is read. */
  readonly target: AggregatorTarget | 'disabled';
  readonly meter: AggregatorMeter;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  readonly settings: DataServerSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
}

interface Aggregator {
  readonly server: Server;
  /** To be run beside the server: they end the streams when the process stops, and look after the stores. */
  readonly parts: readonly Part[];
  readonly check: () => CheckResult;
}

const linesPerMinute = 10;
const startNameLength = 12;

/**
 * The aggregator: reads both stores of the events lane and answers with one series.
 *
 * - `series-query.ts`, `bucket-grid.ts` say which buckets a request means; `store-reads.ts` asks the stores side by side, within a time.
 * - `series-api.ts`, `series-answer.ts` make the answers of `/api`, once for all who ask at the same time.
 * - `live-streams.ts`, `live-series.ts` follow the stores for `/api/stream`; `live-buckets.ts` numbers what changes, so that
 *   `stream-client.ts` can give every client what it lacks, and no more.
 * - `compare.ts` compares the stores with the log; `summary.ts` adds up a window.
 */
export function createAggregator({ target, settings, certificate, ...options }: AggregatorOptions): Aggregator {
  const { meter, clock, logger } = options;
  const running = target === 'disabled' ? undefined : openSources(target, options);
  const sources = running?.sources ?? 'disabled';
  const server = createDataServer({
    settings,
    certificate,
    serve: (request, response) => void serveAggregator({ sources, meter, clock, logger }, request, response),
    answerBroken: ({ statusLine, message }) => faultText(statusLine, message),
    onBroken: ({ code }) => meter.answered(errorTable[code].status),
  });
  return { server, parts: running?.parts ?? [], check: running?.check ?? (() => ({ ready: true, detail: 'disabled' })) };
}

function openSources(
  { stores, log, topic, groupOf }: AggregatorTarget,
  { rules, meter, clock, startTimer, logger }: Pick<AggregatorOptions, 'rules' | 'meter' | 'clock' | 'startTimer' | 'logger'>,
): { readonly sources: AggregatorSources } & Omit<Aggregator, 'server'> {
  const failures = new RateLimitedLog({ logger, linesPerMinute });
  const stored = [
    { type: 'low', store: stores.low },
    { type: 'high', store: stores.high },
  ] as const;
  const reads = new StoreReads({ sources: stored, timeoutMs: rules.storeTimeoutMs, startTimer, clock, meter, failures });
  const startName = () => randomId(startNameLength);
  const streams = new LiveStreams({ ...rules, maxClients: rules.maxStreams, reads, clock, startTimer, meter, startName });
  const compare = new Compare({ log, topic, groupOf, maxFutureSkewMs: rules.maxFutureSkewMs, reads, clock, startTimer, logger });
  const watch = new StoreWatch({ reads, startTimer, meter });
  return {
    sources: {
      defaults: rules,
      api: new SeriesApi({ ...rules, reads, clock }),
      streams,
      summary: (query) => summaryAnswer(query, reads),
      compare: (query) => compare.answer(query),
    },
    parts: [
      { name: 'aggregator-stores', run: (signal) => watch.run(signal) },
      {
        name: 'aggregator-streams',
        run: (signal) => streams.run(signal),
        // Streams never end by themselves: the drain of the server would wait for them.
        stopAccepting: () => Promise.resolve(streams.end()),
      },
    ],
    check: () => watch.check(),
  };
}
