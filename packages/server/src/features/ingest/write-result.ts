import { sentence } from '../../kernel/codec/sentence.ts';
import { type ErrorCode, errorTable } from '../../kernel/errors/error-table.ts';
import type { Source } from '../definitions/source.ts';
import { columnFaultMessage } from '../mapping/mapping.ts';
import type { SinkOutcome } from './sink-router.ts';

/** What became of a record in the sinks of one source; one entry for each branch whose secret matched. */
export interface SourceOutcome {
  readonly source: Source;
  readonly sinks: readonly SinkOutcome[];
}

/** Value of the header `X-Sluice-Stored` (I5). */
export type StoredMark = 'none' | 'partial' | 'unknown';

export interface WriteResult {
  readonly status: number;
  readonly failed: boolean;
  /** Set where a client must know: nothing stored although 200, or any 5xx. */
  readonly stored: StoredMark | undefined;
  /** For a 503: when a repeat may succeed. */
  readonly retryAfterSeconds?: number;
  /** The verbose body; built only when it is sent. */
  body(): object;
}

interface SinkReport {
  readonly sinkId: string;
  readonly statusCode: number;
  readonly error?: string;
  readonly message: string;
}

/** As most records are: nothing but `OK` is to be said. */
export const isStoredEverywhere = (sinks: readonly SinkOutcome[]): boolean =>
  sinks.length > 0 && sinks.every(({ outcome }) => outcome.type === 'stored');

/** Top status = the largest of all sinks; 200 where there is none (stream data plane 2.4, 2.5). */
export function summarizeOutcomes(outcomes: readonly SourceOutcome[]): WriteResult {
  const all = outcomes.flatMap(({ sinks }) => sinks).filter(({ outcome }) => outcome.type !== 'gone');
  const faultStatus = Math.max(0, ...all.map(({ outcome }) => (outcome.type === 'fault' ? errorTable[outcome.fault.code].status : 0)));
  const status = all.reduce((highest, sink) => Math.max(highest, statusOf(sink, faultStatus)), 200);
  return {
    status,
    failed: status >= 300,
    stored: storedMark(all, status),
    retryAfterSeconds: all.reduce((longest, { outcome }) => Math.max(longest, retryAfterOf(outcome)), 1),
    body: () => resultBody(outcomes, { status, faultStatus }),
  };
}

const retryAfterOf = (outcome: SinkOutcome['outcome']): number => ('retryAfterSeconds' in outcome ? (outcome.retryAfterSeconds ?? 1) : 1);

function storedMark(sinks: readonly SinkOutcome[], status: number): StoredMark | undefined {
  if (sinks.length === 0) return 'none';
  if (status < 500) return undefined;
  if (sinks.some(({ outcome }) => outcome.type === 'inDoubt' || outcome.type === 'accepted')) return 'unknown';
  return sinks.some(({ outcome }) => outcome.type === 'stored') ? 'partial' : 'none';
}

function statusOf({ outcome }: SinkOutcome, faultStatus: number): number {
  switch (outcome.type) {
    case 'stored':
    case 'gone':
      return 200;
    case 'accepted':
      return 202;
    case 'refused':
      return errorTable[outcome.code].status;
    case 'inDoubt':
      return errorTable.appendInDoubt.status;
    case 'fault':
      return errorTable[outcome.fault.code].status;
    case 'withheld':
      return faultStatus;
  }
}

function resultBody(outcomes: readonly SourceOutcome[], { status, faultStatus }: { status: number; faultStatus: number }): object {
  const sources = outcomes.map(({ source, sinks }) => {
    const reports = sinks.filter(({ outcome }) => outcome.type !== 'gone').map((sink) => reportOf(sink, faultStatus));
    const sourceStatus = Math.max(200, ...reports.map(({ statusCode }) => statusCode));
    return {
      projectId: source.projectId,
      sourceId: source.sourceId,
      branchId: source.branchId,
      ...summary(sourceStatus, reports),
      ...(reports.length > 0 && { sinks: reports.sort(byText(({ sinkId }) => sinkId)) }),
    };
  });
  const reports = sources.flatMap((source) => source.sinks ?? []);
  return {
    ...summary(status, reports),
    ...(sources.length > 0 && { sources: sources.sort(byText(({ branchId }) => String(branchId))) }),
  };
}

function summary(statusCode: number, sinks: readonly SinkReport[]): object {
  const written = sinks.filter((sink) => sink.error === undefined).length;
  if (sinks.length === 0) return { statusCode, message: 'No enabled sink found.' };
  if (written === sinks.length) return { statusCode, message: `Successfully written to ${written}/${written} sinks.` };
  return { statusCode, error: 'stream.in.writeFailed', message: `Written to ${written}/${sinks.length} sinks.` };
}

function reportOf(sink: SinkOutcome, faultStatus: number): SinkReport {
  const { sinkId } = sink.sink;
  const { outcome } = sink;
  const failure = (code: ErrorCode | 'requestRefused', message: string): SinkReport => ({
    sinkId,
    statusCode: statusOf(sink, faultStatus),
    error: `stream.in.${code}`,
    message,
  });
  switch (outcome.type) {
    case 'stored':
    case 'gone':
      return { sinkId, statusCode: 200, message: 'processed' };
    case 'accepted':
      return { sinkId, statusCode: 202, message: 'accepted' };
    case 'refused':
      return failure(outcome.code, sentence(`not stored: ${outcome.reason}`));
    case 'inDoubt':
      return failure('appendInDoubt', 'It is not known whether the record is stored; sending it again may store it twice.');
    case 'fault':
      return failure(outcome.fault.code, columnFaultMessage(outcome.fault));
    case 'withheld':
      return failure('requestRefused', 'Not stored, because another sink cannot take the record.');
  }
}

const byText =
  <T>(textOf: (item: T) => string) =>
  (one: T, other: T): number =>
    textOf(one) < textOf(other) ? -1 : 1;
