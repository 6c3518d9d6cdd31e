import { hash } from 'node:crypto';
import type { SeriesAnswer, SeriesPoint, SeriesType } from '@sluice/contract/event-series';
import { errorTable } from '../../../kernel/errors/error-table.ts';
import type { BucketGrid } from './bucket-grid.ts';
import type { Figure } from './fold-buckets.ts';
import type { SeriesQuery } from './series-query.ts';
import type { StoreFailure } from './store-reads.ts';

/** `compat`: a point of `low` has the time at which its bucket ends, as in the first version of the service. */
export type Alignment = 'start' | 'compat';

/** A finished answer, which many may get. */
export interface MadeAnswer {
  readonly status: 200 | 502 | 503;
  readonly body: string;
  /** Strong validator of the body. */
  readonly etag: string;
}

interface AnswerRules {
  readonly alignment: Alignment;
  /** The word of an answer without the points of a store; clients that know `ok` only ignore any other. */
  readonly partialMessage: 'partial' | 'ok';
}

interface SeriesFigures {
  readonly figures: ReadonlyMap<SeriesType, readonly Figure[]>;
  readonly failures: readonly StoreFailure[];
}

export function seriesAnswer(query: SeriesQuery, { figures, failures }: SeriesFigures, rules: AnswerRules): MadeAnswer {
  const errors = failures.length > 0 ? { errors: [...failures] } : {};
  if (figures.size === 0) {
    return made(failureStatus(failures), { message: 'no store answered', points: null, ...errors } satisfies SeriesAnswer);
  }
  const message = failures.length > 0 ? rules.partialMessage : 'ok';
  return made(200, { message, points: pointsOf(query, figures, rules.alignment), ...errors } satisfies SeriesAnswer);
}

export function made(status: MadeAnswer['status'], answer: object): MadeAnswer {
  const body = `${JSON.stringify(answer)}\n`;
  return { status, body, etag: `"${hash('sha256', body, 'base64url').slice(0, 22)}"` };
}

/** 503 where the same request may work later, 502 where an operator must act. */
export function failureStatus(failures: readonly StoreFailure[]): 502 | 503 {
  return failures.some(({ code }) => errorTable[code].disposition === 'retry') ? 503 : 502;
}

/** The time that a bucket is shown with. */
export function shownTime(type: SeriesType, { startMs, endMs }: { startMs: number; endMs: number }, alignment: Alignment): number {
  return alignment === 'compat' && type === 'low' ? endMs : startMs;
}

function pointsOf({ types, grid, fn, fill }: SeriesQuery, figures: SeriesFigures['figures'], alignment: Alignment): SeriesPoint[] {
  const points: SeriesPoint[] = [];
  for (const type of types) {
    for (const [index, { count, value }] of (figures.get(type) ?? []).entries()) {
      const isEmpty = count === 0;
      if (isEmpty && fill === 'none') continue;
      const shown = isEmpty && fill === 'null' ? null : value;
      const time = shownTime(type, bucketOf(grid, index), alignment);
      points.push({ time, count: isEmpty && fill === 'null' ? null : count, type, ...(fn !== 'count' && { value: shown }) });
    }
  }
  // Stable: of equal times, low stays before high.
  return points.sort((one, other) => one.time - other.time);
}

function bucketOf({ starts, endMs }: BucketGrid, index: number): { startMs: number; endMs: number } {
  return { startMs: starts[index] ?? endMs, endMs: starts[index + 1] ?? endMs };
}
