import { notParsed, type Parsed, parsed } from '../../../kernel/codec/parsed.ts';

/** How time is cut into buckets. */
export interface BucketRule {
  /** In a time zone other than UTC a divisor of a day, or whole days. */
  readonly stepMs: number;
  /** Buckets of UTC begin at multiples of the step; elsewhere they count from local midnight, and the last of a day ends there. */
  readonly timeZone: string;
}

/** Buckets without gaps between them. */
export interface BucketGrid {
  /** Ascending. */
  readonly starts: readonly number[];
  /** End of the last one. */
  readonly endMs: number;
  /** Every start, and the end, is a multiple of it. */
  readonly unitMs: number;
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export const dayMs = 86_400_000;
/** Beyond it the calendar ends. */
const maxTimeMs = 8.64e15;

export const isCalendarStep = (stepMs: number): boolean => dayMs % stepMs === 0 || stepMs % dayMs === 0;

interface GridBounds {
  readonly fromMs: number;
  readonly toMs: number;
  /** Buckets that end later are left out. */
  readonly completeAtMs: number;
  readonly maxBuckets: number;
  /** The window may not have more units than these. */
  readonly maxUnits: number;
}

/** Every bucket that holds a moment of the window and is over. */
export function bucketGrid(rule: BucketRule, { fromMs, toMs, completeAtMs, maxBuckets, maxUnits }: GridBounds): Parsed<BucketGrid> {
  const starts: number[] = [];
  let endMs = fromMs;
  let unitMs = rule.stepMs;
  for (const span of spansFrom(fromMs, rule)) {
    if (span.startMs >= toMs || span.endMs > completeAtMs) break;
    if (starts.length === maxBuckets) return notParsed(`the answer would have more than ${maxBuckets} buckets for each series`);
    starts.push(span.startMs);
    endMs = span.endMs;
    if (rule.timeZone !== 'UTC') unitMs = commonDivisor(unitMs, commonDivisor(span.startMs, span.endMs));
  }
  if ((endMs - (starts[0] ?? endMs)) / unitMs > maxUnits)
    return notParsed(`the buckets of ${rule.timeZone} cannot be read over so long a range`);
  return parsed({ starts, endMs, unitMs });
}

/** The bucket that holds the moment. */
export function bucketAt(ms: number, rule: BucketRule): Span {
  for (const span of spansFrom(ms, rule)) return span;
  return { startMs: maxTimeMs, endMs: maxTimeMs };
}

function* spansFrom(ms: number, { stepMs, timeZone }: BucketRule): Generator<Span> {
  if (timeZone === 'UTC') {
    for (let startMs = Math.floor(ms / stepMs) * stepMs; startMs < maxTimeMs; startMs += stepMs) yield { startMs, endMs: startMs + stepMs };
    return;
  }
  const daysOfStep = Math.max(1, stepMs / dayMs);
  const date = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate();
  const day = epochDay(date);
  let first = date.subtract({ days: day - Math.floor(day / daysOfStep) * daysOfStep });
  let midnight = midnightOf(first, timeZone);
  while (midnight < maxTimeMs - daysOfStep * dayMs) {
    first = first.add({ days: daysOfStep });
    const next = midnightOf(first, timeZone);
    // Where a day is as long as the step, it is one bucket, whatever its length.
    const lengthMs = stepMs >= dayMs ? next - midnight : stepMs;
    for (let startMs = midnight; startMs < next; startMs += lengthMs) {
      const endMs = Math.min(startMs + lengthMs, next);
      if (endMs > ms) yield { startMs, endMs };
    }
    midnight = next;
  }
}

const epochDay = (date: Temporal.PlainDate): number => new Temporal.PlainDate(1970, 1, 1).until(date, { largestUnit: 'days' }).days;

const midnightOf = (date: Temporal.PlainDate, timeZone: string): number => date.toZonedDateTime(timeZone).epochMilliseconds;

/** Greatest; of 0 and a number, that number. */
function commonDivisor(one: number, other: number): number {
  return other === 0 ? Math.abs(one) : commonDivisor(other, one % other);
}
