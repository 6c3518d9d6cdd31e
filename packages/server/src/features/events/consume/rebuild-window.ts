import type { LogEngine, LogTopic } from '../../../engines/log/log-engine.ts';
import { recordOrigin } from '../record-headers.ts';
import { defaultMaxAgeMs, RepeatWindow } from '../repeat-window.ts';

interface PlaceInLog {
  readonly log: LogEngine;
  readonly topic: LogTopic;
  readonly partition: number;
  readonly signal: AbortSignal;
}

/** Arrival times may go back a little, where a broker's clock was set. */
const marginMs = 60 * 60 * 1000;
const readLimits = { maxRecords: 5000, maxBytes: 2 * 1024 * 1024, waitMs: 0 };

/** The window as it is before the record at `offset`, from the records of the day before it. Errors as those of the log. */
export async function rebuildWindow(place: PlaceInLog, offset: number): Promise<RepeatWindow> {
  const { log, topic, partition, signal } = place;
  const window = new RepeatWindow();
  const begin = (await log.offsets(topic))[partition]?.begin ?? 0;
  if (offset <= begin) return window;
  const last = await firstFrom(place, offset - 1);
  let next = last ? await offsetAtTime(place, { begin, end: offset, timeMs: last.timestampMs - defaultMaxAgeMs - marginMs }) : begin;
  while (next < offset) {
    signal.throwIfAborted();
    const { records, nextOffset } = await log.read({ topic, partition, offset: next, ...readLimits, signal });
    for (const record of records) {
      if (record.offset >= offset) break;
      const origin = recordOrigin(record);
      if (origin) window.see({ ...origin, timestampMs: record.timestampMs });
    }
    // Nothing is left up to there: it was compacted, or damaged.
    if (nextOffset === next) break;
    next = nextOffset;
  }
  return window;
}

interface Stretch {
  readonly begin: number;
  readonly end: number;
  readonly timeMs: number;
}

/** The first offset from `begin` up to `end` whose record arrived at or after the time; `end` where none did. */
export async function offsetAtTime(place: PlaceInLog, { begin, end, timeMs }: Stretch): Promise<number> {
  let low = begin;
  let high = end;
  while (low < high) {
    place.signal.throwIfAborted();
    const middle = Math.floor((low + high) / 2);
    const record = await firstFrom(place, middle);
    if (record && record.timestampMs < timeMs) low = Math.max(record.offset, middle) + 1;
    else high = middle;
  }
  return Math.min(low, end);
}

async function firstFrom({ log, topic, partition, signal }: PlaceInLog, offset: number) {
  const { records } = await log.read({ topic, partition, offset, maxRecords: 1, maxBytes: 1, waitMs: 0, signal });
  return records[0];
}
