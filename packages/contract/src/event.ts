import { z } from 'zod';

/** A decimal number as a text: `5`, `+5.0`, `.5`, `5e-3`. No hexadecimal, no underscores, no infinity. */
export const decimalText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Characters of an event's id. */
export const maxEventIdLength = 128;

/**
 * One event as clients send it. Names match in any case, unknown members are ignored.
 * `time`: Unix milliseconds; without it the time of arrival counts. `amount`: a number, or a text that is one.
 * `id`: kept as it is where it is a text of 1 to 128 characters, else ignored like an unknown member.
 */
export const eventSchema = z
  .object({
    time: z.int().min(0).optional(),
    amount: z.union([z.number(), z.string().regex(decimalText)]),
    id: z.string().min(1).max(maxEventIdLength).optional(),
  })
  .meta({ id: 'Event' });

/** Why an event of a request was refused; `index` counts the events of the request from 0. */
export const eventErrorSchema = z.object({ index: z.int(), reason: z.string() }).meta({ id: 'EventError' });
export type EventError = z.infer<typeof eventErrorSchema>;

/** What the events API answers. The counts are there where an event was refused; of the errors at most 100. */
export const ingestAnswerSchema = z
  .object({
    message: z.string(),
    accepted: z.int().optional(),
    rejected: z.int().optional(),
    errors: z.array(eventErrorSchema).optional(),
  })
  .meta({ id: 'IngestAnswer' });
export type IngestAnswer = z.infer<typeof ingestAnswerSchema>;

/** What would become of events: `POST /explain` of the events API, with a body as it is ingested. */
export const explainAnswerSchema = z
  .object({
    /** Of the routes that hold for records to come; null while there are none. */
    version: z.int().nullable(),
    watermark: z.number().nullable(),
    events: z.array(
      z.object({
        index: z.int(),
        /** The value of the record that would be written to the log. */
        record: z.string(),
        /** What a store would keep of it. */
        row: z.object({ time: z.iso.datetime(), amount: z.number(), id: z.string().optional() }),
        /** Names of the routes that would take it. */
        routes: z.array(z.string()),
        /** Routes whose predicate has no value for the event: it would go to the dead letters. */
        failed: z.array(z.object({ route: z.string(), reason: z.string() })).optional(),
      }),
    ),
    errors: z.array(eventErrorSchema),
  })
  .meta({ id: 'ExplainAnswer' });
export type ExplainAnswer = z.infer<typeof explainAnswerSchema>;
