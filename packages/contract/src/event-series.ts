import { z } from 'zod';

export const seriesTypeSchema = z.enum(['low', 'high']);
/** The route whose store a series is read from. */
export type SeriesType = z.infer<typeof seriesTypeSchema>;

/** A store that did not answer, or not in time. */
export const seriesFailureSchema = z
  .object({ type: seriesTypeSchema, code: z.string(), message: z.string() })
  .meta({ id: 'SeriesFailure' });
export type SeriesFailure = z.infer<typeof seriesFailureSchema>;

/** One bucket of one series. */
export const seriesPointSchema = z
  .object({
    /** Start of the bucket, Unix milliseconds. */
    time: z.int(),
    /** Events in it; null where the bucket is empty and `fill` is `null`. */
    count: z.int().nullable(),
    type: seriesTypeSchema,
    /** Of the function; absent where that is `count`. Null also for a sum beyond the range of a 64-bit float. */
    value: z.number().nullable().optional(),
  })
  .meta({ id: 'SeriesPoint' });
export type SeriesPoint = z.infer<typeof seriesPointSchema>;

/** `GET /api`. `partial`: a store did not answer, and its points are missing. */
export const seriesAnswerSchema = z
  .object({
    message: z.string(),
    /** Ascending by time, `low` before `high`. Null where nothing could be read. */
    points: z.array(seriesPointSchema).nullable(),
    errors: z.array(seriesFailureSchema).optional(),
  })
  .meta({ id: 'SeriesAnswer' });
export type SeriesAnswer = z.infer<typeof seriesAnswerSchema>;

/** An event of `GET /api/stream`: a whole bucket, in the place of the one with this type and time that the client has. */
export const liveBucketSchema = z
  .object({
    type: seriesTypeSchema,
    time: z.int(),
    count: z.int(),
    value: z.number().nullable(),
    /** Ascending over all buckets of a stream; the id of the event is `<start>:<rev>`. */
    rev: z.int(),
    /** The bucket is not over yet. */
    partial: z.literal(true).optional(),
  })
  .meta({ id: 'LiveBucket' });
export type LiveBucket = z.infer<typeof liveBucketSchema>;

/** The event `status` of `GET /api/stream`: first, and whenever the stores that answer change. Buckets of a type in `errors` are not current. */
export const streamStatusSchema = z
  .object({
    message: z.enum(['ok', 'partial', 'unavailable']),
    /** Milliseconds that the complete buckets cover, and the length of one. */
    range: z.int(),
    step: z.int(),
    fn: z.string(),
    errors: z.array(seriesFailureSchema).optional(),
  })
  .meta({ id: 'StreamStatus' });
export type StreamStatus = z.infer<typeof streamStatusSchema>;

const typeSummarySchema = z.object({
  type: seriesTypeSchema,
  count: z.int(),
  /** Events a second, over the whole window. */
  perSecond: z.number(),
  /** Null for a sum beyond the range of a 64-bit float. */
  sum: z.number().nullable(),
  /** Null where the window holds no event. */
  avg: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
});
export type TypeSummary = z.infer<typeof typeSummarySchema>;

/** `GET /api/summary`. */
export const summaryAnswerSchema = z
  .object({
    message: z.string(),
    from: z.int(),
    to: z.int(),
    types: z.array(typeSummarySchema),
    errors: z.array(seriesFailureSchema).optional(),
  })
  .meta({ id: 'SummaryAnswer' });
export type SummaryAnswer = z.infer<typeof summaryAnswerSchema>;

const typeTallySchema = z.object({
  type: seriesTypeSchema,
  /** Events of the window that the log says belong here. */
  expected: z.int(),
  /** Points that are here, of the records that were looked at. */
  stored: z.int(),
  /** Expected, handled and not here. */
  missing: z.int(),
  /** Points that are here more than once, beyond the first. */
  double: z.int(),
  /** Here, but not of this route, or not to be stored at all. */
  stray: z.int(),
  /** Expected and not handled yet. */
  pending: z.int(),
});
export type TypeTally = z.infer<typeof typeTallySchema>;

const findingSchema = z.object({
  /** `inBoth`: in both stores, though only one route takes it; it is not counted as stray. */
  kind: z.enum(['missing', 'double', 'inBoth', 'stray']),
  /** Null for `inBoth`. */
  type: seriesTypeSchema.nullable(),
  partition: z.int(),
  offset: z.int(),
});
export type Finding = z.infer<typeof findingSchema>;

/** `GET /api/compare`: what the stores hold of a window, against the log. */
export const compareAnswerSchema = z
  .object({
    /** `ok`: everything agrees. `different`: something is missing, double, stray or in both. `partial`: a store did not answer. */
    message: z.string(),
    from: z.int(),
    to: z.int(),
    topic: z.string(),
    topicId: z.string(),
    /** False: there were more records than are looked at, or less time. */
    complete: z.boolean(),
    partitions: z.array(
      z.object({
        partition: z.int(),
        /** Offsets that were looked at: from the first up to, without, the last. */
        fromOffset: z.int(),
        toOffset: z.int(),
        /** Events of the window among them, without repeats. */
        events: z.int(),
        inBoth: z.int(),
        types: z.array(typeTallySchema),
      }),
    ),
    /** Points of the window in a store that were not looked at: of records that the log has no more, or of a topic before this one. */
    unverified: z.array(z.object({ type: seriesTypeSchema, points: z.int() })),
    /** At most 100. */
    findings: z.array(findingSchema),
    errors: z.array(seriesFailureSchema).optional(),
  })
  .meta({ id: 'CompareAnswer' });
export type CompareAnswer = z.infer<typeof compareAnswerSchema>;
