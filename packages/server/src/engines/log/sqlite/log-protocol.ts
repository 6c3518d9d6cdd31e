import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import type { LogTopic, OffsetRange, TopicSpec } from '../log-engine.ts';
import type { EncodedRecords } from '../record-codec.ts';

export interface StoreOptions {
  /** Made where it is missing; one process at a time. */
  readonly folder: string;
  /** A segment is sealed, and the next begun, once its file has this size or its first record this age. */
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** Sealed segments whose newest record is older go, once every known group has committed all of their records. */
  readonly retentionMs: number;
  /** Of all segments of a topic. Over it the oldest go, whoever still needs them; what is lost so is counted. */
  readonly maxTopicBytes: number;
}

/** A topic with, per partition, where its records begin and end. */
export interface TopicState {
  readonly topic: LogTopic;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** Records that were encoded together: one row of a segment. */
export interface EncodedRow {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Rows that follow each other in one partition. */
export interface PartitionAppend {
  readonly topicId: string;
  readonly partition: number;
  readonly rows: readonly EncodedRow[];
}

export type AppendOutcome =
  | { readonly type: 'appended'; readonly offset: number; readonly end: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

export interface OffsetCommit {
  readonly group: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

export interface ReadQuestion {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Rows from the one with the offset on; the first may begin before it, the last may go over the limits. */
export interface ReadAnswer {
  readonly rows: readonly EncodedRecords[];
  readonly nextOffset: number;
  readonly unreadable: readonly OffsetRange[];
}

/** Segments were unlinked: the topic's new begins, and how many records a group had still to read. */
export interface Trim {
  readonly topicId: string;
  readonly begins: readonly number[];
  readonly lostRecords: number;
}

/** Questions to the worker; it answers in order. Times are the asker's, so that there is one clock. */
export type WorkerQuestion =
  | {
      readonly type: 'write';
      readonly nowMs: number;
      readonly appends: readonly PartitionAppend[];
      readonly commits: readonly OffsetCommit[];
    }
  | { readonly type: 'read'; readonly query: ReadQuestion }
  | { readonly type: 'ensureTopic'; readonly spec: TopicSpec; readonly id: string; readonly nowMs: number }
  | { readonly type: 'deleteTopic'; readonly topicId: string }
  /** Notes that the group reads the topic: its segments are kept until the group has read them. */
  | { readonly type: 'knowGroup'; readonly group: string; readonly topicId: string }
  | { readonly type: 'committed'; readonly group: string; readonly topicId: string }
  | { readonly type: 'retain'; readonly nowMs: number }
  | { readonly type: 'close' };

export type WorkerAnswer =
  | {
      readonly type: 'write';
      readonly appends: readonly AppendOutcome[];
      /** Why the commits, all of them, were not stored. */
      readonly commitFailure: string | undefined;
    }
  | { readonly type: 'read'; readonly answer: ReadAnswer }
  | { readonly type: 'ensureTopic'; readonly state: TopicState }
  | { readonly type: 'deleteTopic' }
  | { readonly type: 'knowGroup' }
  | { readonly type: 'committed'; readonly offsets: readonly (number | undefined)[] }
  | { readonly type: 'retain'; readonly trims: readonly Trim[] }
  | { readonly type: 'close' };

export interface WorkerRequest {
  readonly id: number;
  readonly question: WorkerQuestion;
}

export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'unusable'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: WorkerAnswer }
  | { readonly type: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };

export function isAnswer<Type extends WorkerAnswer['type']>(
  answer: WorkerAnswer,
  type: Type,
): answer is Extract<WorkerAnswer, { type: Type }> {
  return answer.type === type;
}
