import type { EventError, ExplainAnswer } from '@sluice/contract/event';
import type { EventBody } from './event-body.ts';
import { chunkValues } from './event-chunk.ts';
import { parseEvent } from './parse-event.ts';
import type { CurrentRoutes } from './routes-log.ts';

interface ExplainOptions {
  readonly body: Extract<EventBody, { type: 'events' }>;
  /** Of the records to come; undefined while there are none. */
  readonly current: CurrentRoutes | undefined;
}

/** Events of one question. */
export const maxExplained = 100;

/** What would become of the events if they were sent now: the record in the log, the routes that take it, the row in each of their stores. */
export function explainEvents({ body: { chunks, errors }, current }: ExplainOptions): ExplainAnswer {
  const events: ExplainAnswer['events'] = [];
  const refused: EventError[] = [...errors];
  for (const chunk of chunks) {
    for (const [at, value] of chunkValues(chunk).entries()) {
      const index = chunk.indexes[at] ?? at;
      const parsed = parseEvent(value, { arrivalMs: Number.MAX_SAFE_INTEGER, maxFutureSkewMs: 0 });
      if (!parsed.ok) {
        refused.push({ index, reason: parsed.reason });
        continue;
      }
      const { time, amount, id } = parsed.value;
      const verdict = current?.routes.judge(parsed.value);
      events.push({
        index,
        record: value.toString(),
        row: { time: new Date(time).toISOString(), amount, ...(id !== undefined && { id }) },
        routes: [...(verdict?.matched ?? [])],
        ...(verdict?.failed && { failed: [...verdict.failed] }),
      });
    }
  }
  return { version: current?.version ?? null, watermark: current?.watermark ?? null, events, errors: refused };
}
