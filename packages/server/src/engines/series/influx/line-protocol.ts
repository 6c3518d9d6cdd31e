import { createHash } from 'node:crypto';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { LogPartition, SeriesPoint } from '../series-store.ts';

type AmountType = 'string' | 'float';

/** How the points of a series are written, and found again. */
export interface InfluxSchema {
  readonly measurement: string;
  /** Of the field `amount`. `string` keeps its text; the field `value` has the number then. */
  readonly amountType: AmountType;
  /** `off`: points have no tags, as those of writers that know none. Only for one partition and offsets below `offsetsPerGroup`. */
  readonly tags: 'on' | 'off';
}

/** Offsets that share a series; the rest of the offset is in the timestamp. */
export const offsetsPerGroup = 1_000_000;
/** Nanoseconds from 1970 in 64 bits end in the milliseconds before this one, in 2262. */
export const endOfTimeMs = 9_223_372_036_854;
/** Digits of the rest, which are those of a millisecond in nanoseconds. */
const restDigits = 6;

/**
 * A line for each point. The tags and the timestamp together are its identity: `t` and `p` name the partition, `g` has the millions of
 * the offset and the nanoseconds of the timestamp have the rest. So a point written again replaces itself, no two points meet however
 * many share a millisecond, and there is one series for a million points. Without tags the timestamp alone must be that:
 * `seriesMismatch`, and no line at all, where the points are of another partition than 0 or beyond the first million.
 */
export function encodeLines(
  { topicId, partition }: LogPartition,
  points: readonly SeriesPoint[],
  { measurement, amountType, tags }: InfluxSchema,
): string[] {
  if (tags === 'off') assertWithoutTags(partition, points);
  const place = `${measurement},t=${topicTag(topicId)},p=${partition},g=`;
  return points.map(({ offset, timeMs, amount, amountText }) => {
    const fields = amountType === 'float' ? `amount=${amount}` : `amount="${escapeField(amountText)}",value=${amount}`;
    const series = tags === 'off' ? measurement : `${place}${Math.floor(offset / offsetsPerGroup)}`;
    return `${series} ${fields} ${timestamp(timeMs, offset % offsetsPerGroup)}`;
  });
}

function assertWithoutTags(partition: number, points: readonly SeriesPoint[]): void {
  const last = points.at(-1)?.offset ?? 0;
  if (partition === 0 && last < offsetsPerGroup) return;
  const found = partition === 0 ? `offset ${last}` : `partition ${partition}`;
  const advice = 'set influx.tags to on, with a measurement of its own: points that are there keep their identity';
  throw new AppError(
    'seriesMismatch',
    `Points without tags are those of one partition below offset ${offsetsPerGroup}; ${found} came: ${advice}.`,
  );
}

/** Eight hexadecimal digits, whatever the id is made of. */
export function topicTag(topicId: string): string {
  return createHash('sha256').update(topicId).digest('hex').slice(0, 8);
}

/** The field that has the amount as a number. */
export function valueField({ amountType }: InfluxSchema): string {
  return amountType === 'float' ? 'amount' : 'value';
}

/** Nanoseconds as text: a double does not hold them. */
function timestamp(timeMs: number, rest: number): string {
  return timeMs === 0 ? String(rest) : `${timeMs}${String(rest).padStart(restDigits, '0')}`;
}

function escapeField(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&');
}
