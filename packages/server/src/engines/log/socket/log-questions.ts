import { z } from 'zod';
import { type ErrorCode, errorTable } from '../../../kernel/errors/error-table.ts';

/** Name of the port on a link. */
export const logPort = 'log';

const topic = z.object({ name: z.string(), id: z.string(), partitions: z.number() });
const range = z.object({ begin: z.number(), end: z.number() });
const name = z.string();
/** Chosen by the client; of one member of a group. */
const consumer = z.number();

/** What a client asks; where they are not said, methods of `LogEngine`. */
export const logQuestion = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ensureTopic'),
    spec: z.object({ name, partitions: z.number(), compacted: z.boolean().default(false) }),
  }),
  z.object({ type: z.literal('topic'), name }),
  z.object({ type: z.literal('deleteTopic'), name }),
  z.object({ type: z.literal('offsets'), topic }),
  /** The bytes are the records, in the form of `encodeRecords`. */
  z.object({ type: z.literal('append'), topic: name, partition: z.number(), count: z.int().min(0) }),
  z.object({
    type: z.literal('read'),
    topic,
    partition: z.number(),
    offset: z.number(),
    maxRecords: z.number(),
    maxBytes: z.number(),
    waitMs: z.number(),
  }),
  z.object({ type: z.literal('join'), consumer, group: name, topics: z.array(name), start: z.enum(['begin', 'end']) }),
  z.object({ type: z.literal('leave'), consumer }),
  /** `revoked` also for a partition that this connection does not hold any more. */
  z.object({ type: z.literal('commit'), consumer, handle: z.number(), offset: z.number() }),
  z.object({ type: z.literal('groupOffsets'), group: name, topic }),
]);

export type LogQuestion = z.input<typeof logQuestion>;

/** Answers by question; the others answer null. */
export const logAnswers = {
  ensureTopic: topic,
  topic: topic.nullable(),
  offsets: z.array(range),
  append: z.object({ partition: z.number(), offset: z.number() }),
  /** With records in the form of `encodeStored`. */
  read: z.object({ count: z.int().min(0), nextOffset: z.number(), endOffset: z.number(), unreadable: z.array(range) }),
  commit: z.enum(['committed', 'revoked']),
  groupOffsets: z.array(
    range.extend({ committed: z.number().optional(), lag: z.number() }).transform(({ committed, ...rest }) => ({ committed, ...rest })),
  ),
} as const;

const errorCode = z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(errorTable, code)).catch('internalError');

/** What a member of a group is told. Partitions are taken before others are given them. */
export const logEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('given'), consumer, handle: z.number(), topic, partition: z.number(), position: z.number() }),
  z.object({ type: z.literal('taken'), consumer, topic, partition: z.number() }),
  /** The member cannot stay. */
  z.object({ type: z.literal('failed'), consumer, code: errorCode, message: z.string() }),
]);

export type LogEvent = z.output<typeof logEvent>;
