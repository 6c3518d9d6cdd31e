import { z } from 'zod';
import { bucketFunctions } from '../series-store.ts';

const partition = z.object({ route: z.string(), topicId: z.string(), partition: z.number() });
const window = z.object({ fromMs: z.number(), toMs: z.number() });
const count = z.int().min(0);

/** What a client asks: methods of `SeriesStore`. */
export const seriesQuestion = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ensureSchema') }),
  z.object({ type: z.literal('readProgress'), partition }),
  z.object({
    type: z.literal('write'),
    partition,
    from: z.number(),
    to: z.number(),
    /** Points, first in the bytes: offset, time, amount. */
    count,
    /** With a change of the repeats, whose chunk is the rest of the bytes. */
    forgetThrough: z.number().optional(),
  }),
  z.object({ type: z.literal('readRepeats'), partition, after: z.number() }),
  z.object({ type: z.literal('readBuckets'), window, stepMs: z.number(), fn: z.enum(bucketFunctions) }),
  z.object({ type: z.literal('countPoints') }),
  z.object({
    type: z.literal('readOffsets'),
    topicId: z.string(),
    partition: z.number(),
    window,
    fromOffset: z.number(),
    toOffset: z.number(),
  }),
  z.object({ type: z.literal('readRetention') }),
  z.object({ type: z.literal('probe') }),
]);

export type SeriesQuestion = z.input<typeof seriesQuestion>;

const refused = z.array(z.object({ index: count, reason: z.enum(['rejected', 'expired']), text: z.string() }));

/** Answers by question; the others answer null. `readOffsets` has all of its answer in the bytes. */
export const seriesAnswers = {
  readProgress: z.object({ next: z.number(), isNew: z.boolean() }).nullable(),
  write: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('stored'), refused }),
    z.object({ outcome: z.literal('refused'), refused }),
    z.object({ outcome: z.literal('fenced'), next: z.number() }),
  ]),
  /** The chunks follow each other in the bytes. */
  readRepeats: z.object({ chunks: z.array(z.object({ to: z.number(), length: count })), more: z.boolean() }),
  /** In the bytes: start, count, value. */
  readBuckets: z.object({ count }),
  countPoints: z.number(),
  readRetention: z.number().nullable(),
} as const;
