import { errorText } from '../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { RateLimitedLog } from '../../kernel/observe/rate-limited-log.ts';
import type { IngestMeter } from './ingest-metrics.ts';
import type { LostRow, SinkOutcome } from './sink-router.ts';
import type { SourceOutcome, WriteResult } from './write-result.ts';

interface IngestReportOptions {
  readonly meter: IngestMeter;
  readonly logger: Logger;
  /** For what clients can cause: they must not be able to fill the log. */
  readonly rejections: RateLimitedLog;
}

/** A source that exists. Ids that no source has are never logged: a client may have put its secret there. */
export interface KnownSource {
  readonly project: number;
  readonly source: string;
}

interface Rejection {
  readonly code: ErrorCode;
  readonly status: number;
  readonly source?: KnownSource | undefined;
  readonly exceptionId?: string | undefined;
}

/** Counts and logs what the HTTP source answers. */
export class IngestReport {
  readonly #options: IngestReportOptions;

  constructor(options: IngestReportOptions) {
    this.#options = options;
  }

  /** A record is stored in all its sinks, and that is what the client hears. */
  stored(bytes: number): void {
    this.#options.meter.answered(200, bytes);
  }

  /** A record was routed to its sinks and answered. */
  answered(
    result: WriteResult,
    { source, outcomes, bytes }: { source: KnownSource; outcomes: readonly SourceOutcome[]; bytes: number },
  ): void {
    const { meter, rejections } = this.#options;
    meter.answered(result.status, bytes);
    if (result.failed) {
      rejections.warn({
        key: `write/${source.project}/${source.source}/${result.status}`,
        fields: { ...source, status: result.status, sinks: failedSinks(outcomes).slice(0, 10) },
        message: 'a record was not stored in all sinks',
      });
    } else if (result.stored === 'none') {
      meter.withoutSink();
      rejections.warn({
        key: `no-sink/${source.project}/${source.source}`,
        fields: { ...source },
        message: 'a record was dropped: its source has no enabled sink',
      });
    }
  }

  /** A row was answered with 202, and nobody but this report hears that it is not stored, or may not be. */
  lost({ sink, outcome }: LostRow): void {
    const { meter, rejections } = this.#options;
    const reason = outcome.type === 'refused' ? outcome.code : outcome.type;
    meter.lost(reason);
    const { projectId: project, sourceId: source, sinkId } = sink;
    rejections.warn({
      key: `lost/${project}/${source}/${sinkId}/${reason}`,
      fields: { project, source, sink: sinkId, reason, ...('reason' in outcome && { detail: outcome.reason.slice(0, 200) }) },
      message: 'a row that was answered with 202 is lost, or may be',
    });
  }

  /** A request was refused before it became a record. */
  rejected({ code, status, source, exceptionId }: Rejection): void {
    const { meter, rejections } = this.#options;
    meter.answered(status, 0);
    rejections.warn({
      key: source === undefined ? code : `${code}/${source.project}/${source.source}`,
      fields: { ...source, code, ...(exceptionId !== undefined && { exceptionId }) },
      message: 'a request was rejected',
    });
  }

  /** A fault of ours, with everything that helps to find it. */
  failed(error: unknown, { code, status, exceptionId }: Rejection): void {
    const { meter, logger } = this.#options;
    meter.answered(status, 0);
    logger.error(
      { code, exceptionId, error: errorText(error), stack: error instanceof Error ? error.stack : undefined },
      'a request failed',
    );
  }
}

function failedSinks(outcomes: readonly SourceOutcome[]): string[] {
  return outcomes
    .flatMap(({ sinks }) => sinks)
    .flatMap(({ sink, outcome }) => describeFailure(outcome).map((text) => `${sink.sinkId}: ${text}`));
}

function describeFailure(outcome: SinkOutcome['outcome']): string[] {
  switch (outcome.type) {
    case 'stored':
    case 'accepted':
    case 'gone':
    case 'withheld':
      return [];
    // Without the reason: it may quote the body.
    case 'fault':
      return [`${outcome.fault.code} in column "${outcome.fault.column}"`];
    case 'refused':
    case 'inDoubt':
      return [outcome.reason.slice(0, 200)];
  }
}
