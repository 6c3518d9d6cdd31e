import type { SeriesType } from '@sluice/contract/event-series';
import { type BucketFunction, bucketFunctions, maxBuckets } from '../../../engines/series/series-store.ts';
import { formatDuration } from '../../../kernel/codec/duration.ts';
import { type BucketGrid, type BucketRule, bucketAt, bucketGrid, isCalendarStep } from './bucket-grid.ts';
import { SeriesParameters } from './series-parameters.ts';

const fills = ['zero', 'null', 'none'] as const;
/** What stands for a bucket without events: 0, null, or nothing. */
type Fill = (typeof fills)[number];

export interface SeriesDefaults {
  readonly rangeMs: number;
  readonly stepMs: number;
  /** Buckets of all series of an answer. */
  readonly maxPoints: number;
}

/** Which buckets are asked for. */
export interface SeriesQuery {
  readonly types: readonly SeriesType[];
  readonly fn: BucketFunction;
  readonly fill: Fill;
  readonly grid: BucketGrid;
}

/** A window that ends with the last complete bucket, whenever it is looked at. */
export interface LiveQuery {
  readonly types: readonly SeriesType[];
  readonly fn: BucketFunction;
  readonly rangeMs: number;
  readonly rule: BucketRule;
}

interface MomentWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A window to the millisecond. */
export interface WindowQuery extends MomentWindow {
  readonly types: readonly SeriesType[];
}

/** The value, or everything that is wrong with the request. */
export type ParsedQuery<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly string[] };

interface ParseContext {
  readonly defaults: SeriesDefaults;
  readonly nowMs: number;
}

const allTypes = ['low', 'high'] as const satisfies readonly SeriesType[];
const windowNames = ['from', 'to', 'range', 'tz'] as const;

/** Query of `/api`. */
export function parseSeriesQuery(search: URLSearchParams, context: ParseContext): ParsedQuery<SeriesQuery> {
  const given = new SeriesParameters(search, [...windowNames, 'step', 'fn', 'type', 'fill']);
  const types = typesOf(given);
  const fn = given.oneOf('fn', bucketFunctions) ?? 'count';
  const fill = given.oneOf('fill', fills) ?? 'zero';
  const rule = ruleOf(given, context);
  const window = windowOf(given, { ...context, rule });
  const grid = gridOf(given, { ...context, rule, window, types });
  return grid && given.problems.length === 0 ? { ok: true, value: { types, fn, fill, grid } } : { ok: false, problems: given.problems };
}

/** Query of `/api/stream`: what is live has no fixed ends. */
export function parseLiveQuery(search: URLSearchParams, context: ParseContext): ParsedQuery<LiveQuery> {
  const given = new SeriesParameters(search, ['range', 'step', 'fn', 'type', 'tz']);
  const types = typesOf(given);
  const fn = given.oneOf('fn', bucketFunctions) ?? 'count';
  const rule = ruleOf(given, context);
  const window = windowOf(given, { ...context, rule });
  const grid = gridOf(given, { ...context, rule, window, types: allTypes });
  if (!window || !grid || given.problems.length > 0) return { ok: false, problems: given.problems };
  return { ok: true, value: { types, fn, rangeMs: window.toMs - window.fromMs, rule } };
}

/** Query of `/api/summary` and `/api/compare`. */
export function parseWindowQuery(search: URLSearchParams, context: ParseContext): ParsedQuery<WindowQuery> {
  const given = new SeriesParameters(search, [...windowNames, 'type']);
  const types = typesOf(given);
  const window = windowOf(given, { ...context, rule: { stepMs: 1, timeZone: given.timeZone('tz') } });
  return window && given.problems.length === 0 ? { ok: true, value: { ...window, types } } : { ok: false, problems: given.problems };
}

/** The complete buckets of a live window at this moment, and the one that is not over. */
export function liveGrid({ rule, rangeMs }: LiveQuery, { nowMs, maxPoints }: { nowMs: number; maxPoints: number }): BucketGrid {
  const current = bucketAt(nowMs, rule);
  const bounds = { fromMs: Math.max(0, current.startMs - rangeMs), toMs: current.endMs, completeAtMs: current.endMs };
  const grid = bucketGrid(rule, { ...bounds, maxBuckets: maxPoints + 1, maxUnits: maxBuckets });
  return grid.ok ? grid.value : { starts: [], endMs: 0, unitMs: 1 };
}

function typesOf(given: SeriesParameters): readonly SeriesType[] {
  const type = given.oneOf('type', ['low', 'high', 'all']) ?? 'all';
  return type === 'all' ? allTypes : [type];
}

function ruleOf(given: SeriesParameters, { defaults }: ParseContext): BucketRule {
  const stepMs = given.duration('step') ?? defaults.stepMs;
  const timeZone = given.timeZone('tz');
  if (timeZone === 'UTC' || isCalendarStep(stepMs)) return { stepMs, timeZone };
  given.problems.push(`step must divide a day or be whole days where tz is not UTC, not ${formatDuration(stepMs)}`);
  return { stepMs, timeZone: 'UTC' };
}

/** Two of from, to and range, or less; what is missing is the default range, up to the last complete bucket. */
function windowOf(given: SeriesParameters, { rule, nowMs, defaults }: ParseContext & { rule: BucketRule }): MomentWindow | undefined {
  const { problems } = given;
  const before = problems.length;
  const from = given.moment('from', rule.timeZone);
  const to = given.moment('to', rule.timeZone);
  const range = given.duration('range');
  if (given.has('from') && given.has('to') && given.has('range')) problems.push('of from, to and range at most two can be given');
  if (problems.length > before) return undefined;
  const rangeMs = range ?? defaults.rangeMs;
  const endMs = to ?? (from !== undefined && range !== undefined ? from + range : bucketAt(nowMs, rule).startMs);
  const fromMs = from ?? Math.max(0, endMs - rangeMs);
  if (fromMs >= endMs && to !== undefined) problems.push('from must be before to');
  return { fromMs, toMs: endMs };
}

function gridOf(
  given: SeriesParameters,
  {
    rule,
    window,
    types,
    nowMs,
    defaults,
  }: ParseContext & { rule: BucketRule; window: MomentWindow | undefined; types: readonly SeriesType[] },
): BucketGrid | undefined {
  if (window === undefined) return undefined;
  const maxOfEach = Math.floor(defaults.maxPoints / types.length);
  const grid = bucketGrid(rule, { ...window, completeAtMs: nowMs, maxBuckets: maxOfEach, maxUnits: maxBuckets });
  if (grid.ok) return grid.value;
  given.problems.push(`${grid.reason}; take a larger step or a shorter range`);
  return undefined;
}
