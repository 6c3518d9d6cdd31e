import { createHash } from 'node:crypto';
import type { LogPartition, SeriesPoint } from '../series-store.ts';

type AmountType = 'string' | 'float';

/** How the points of a series are written, and found again. */
export interface InfluxSchema {
  readonly measurement: string;
  /** Of the field `amount`. `string` keeps its text; the field `value` has the number then. */
  readonly amountType: AmountType;
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
 * many share a millisecond, and there is one series for a million points.
 */
export function encodeLines(
  { topicId, partition }: LogPartition,
  points: readonly SeriesPoint[],
  { measurement, amountType }: InfluxSchema,
): string[] {
  const place = `${measurement},t=${topicTag(topicId)},p=${partition},g=`;
  return points.map(({ offset, timeMs, amount, amountText }) => {
    const fields = amountType === 'float' ? `amount=${amount}` : `amount="${escapeField(amountText)}",value=${amount}`;
    return `${place}${Math.floor(offset / offsetsPerGroup)} ${fields} ${timestamp(timeMs, offset % offsetsPerGroup)}`;
  });
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
