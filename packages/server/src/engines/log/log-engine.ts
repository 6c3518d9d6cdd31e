/**
 * Port: partitioned logs of records, read by groups of consumers.
 *
 * A topic has a fixed name and, per creation, an id: a topic that is deleted and made again has another id and begins at offset 0.
 * Each partition is a sequence of records with ascending offsets; a compacted topic may have gaps in them.
 * Order: records of one partition are read in the order of their offsets, which is the order in which appends to it settled.
 * Durability: when `append` settles, its records survive the death of any one process and machine that the engine promises to survive.
 * Time: a record's timestamp is its arrival at the engine, never what its value says.
 * Delivery: at least once. Whoever handles records again after a loss of its partition or a restart must recognize them by offset.
 * Errors of every method: `logUnavailable` (retry; after `append` it says that surely nothing was appended), `logDenied` (login,
 * certificate or permission; an operator must act), `logTopicNotFound`.
 */
export interface LogEngine extends AsyncDisposable {
  /** The topic, created as the spec says where it is missing. An existing one is given as it is, whatever the spec says. Idempotent. */
  ensureTopic(spec: TopicSpec): Promise<LogTopic>;
  /** The topic of this name as it is now, or undefined. Asks the engine each time: a new id means that it was created anew. */
  topic(name: string): Promise<LogTopic | undefined>;
  /** Deletes the topic, its records and what groups committed for it. Idempotent. */
  deleteTopic(name: string): Promise<void>;
  /** Per partition, by index: where its records begin and end now. */
  offsets(topic: LogTopic): Promise<readonly OffsetRange[]>;
  /**
   * Appends the records in order at the end of one partition and settles once they are durable on every replica that is in sync.
   * Without records it settles at once. Record i of the batch has `offset + i`, unless the batch is over `maxAtomicBytes`: it may
   * then be cut, and others' records may stand between the pieces.
   * Appends to one partition that are not awaited are applied in the order of their calls.
   * The engine owns the bytes until the promise settles: do not change them.
   * `logUnavailable` where surely none of the records was appended, `logInDoubt` where some or all may have been or may still be:
   * only then can a repeat double them. `logRecordTooLarge` where a record is over `maxRecordBytes`; none is appended then.
   * `overloaded` where too much waits already; none is appended then.
   */
  append(batch: AppendBatch): Promise<Appended>;
  /**
   * Records of one partition from an offset on, whatever any group has. With none there it waits up to `waitMs`;
   * an abort ends the wait normally, with a batch without records.
   * `logTopicNotFound` also where the topic has another id by now; `logOffsetOutOfRange` before the begin or beyond the end.
   */
  read(query: ReadQuery): Promise<LogBatch>;
  /** Makes this process a member of the group, which shares the partitions of the topics among its members. */
  join(options: JoinOptions): Promise<LogConsumer>;
  /** Per partition, by index: what the group committed, and how many records are behind that. Works without being a member. */
  groupOffsets(group: string, topic: LogTopic): Promise<readonly GroupOffset[]>;
}

/** Bytes of key, value and headers of one record that every engine takes. */
export const maxRecordBytes = 900_000;
/** Bytes of a batch that is appended as one, whole or not at all: its keys, values and headers, 16 for each record, 8 for each header. */
export const maxAtomicBytes = 900_000;

export interface TopicSpec {
  /** 1 to 249 of A-Z a-z 0-9 . _ - */
  readonly name: string;
  /** 1 to 1,000; fixed at creation. */
  readonly partitions: number;
  /** Keeps at least the last record of each key for ever, and older ones at will. Default: false, old records go by retention. */
  readonly compacted?: boolean;
}

export interface LogTopic {
  readonly name: string;
  /** Text without spaces; another one for each creation. */
  readonly id: string;
  readonly partitions: number;
}

export interface OffsetRange {
  /** Offset of the oldest record that is kept; equals `end` where none is. */
  readonly begin: number;
  /** Offset of the next record to come. */
  readonly end: number;
}

export interface GroupOffset extends OffsetRange {
  /** Next record to handle; undefined where the group committed nothing. */
  readonly committed: number | undefined;
  /** Records from there (from `begin` where nothing was committed) to the end; an upper bound where a topic is compacted. */
  readonly lag: number;
}

export interface LogRecord {
  readonly key?: Uint8Array;
  /** null deletes the key in a compacted topic. */
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
}

/** The name is ASCII. A name may occur more than once. */
export interface RecordHeader {
  readonly name: string;
  readonly value: Uint8Array;
}

export interface AppendBatch {
  readonly topic: string;
  /** Chosen by the caller; `partitionOfKey` gives the one that Kafka's own clients choose for a key. */
  readonly partition: number;
  readonly records: readonly LogRecord[];
}

export interface Appended {
  readonly partition: number;
  /** Of the first record; the end of the partition where there were no records. */
  readonly offset: number;
}

export interface FetchLimits {
  /** A batch ends before the record that would exceed either; its first record always fits. */
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** How long to wait for a first record. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface ReadQuery extends FetchLimits {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly offset: number;
}

export interface LogBatch {
  readonly records: readonly StoredRecord[];
  /** Where to go on: behind the last record, and behind what is skipped. */
  readonly nextOffset: number;
  /** End of the partition when the engine answered. */
  readonly endOffset: number;
  /** Offsets below `nextOffset` whose records the engine cannot give back (damage); they are skipped. Usually none. */
  readonly unreadable: readonly OffsetRange[];
}

export interface StoredRecord {
  readonly offset: number;
  /** Arrival, milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly StoredHeader[];
}

export interface StoredHeader {
  readonly name: string;
  readonly value: Buffer;
}

export interface JoinOptions {
  readonly group: string;
  /** Must exist. */
  readonly topics: readonly string[];
  /** Where a partition without a commit begins. */
  readonly start: 'begin' | 'end';
}

/**
 * A member of a group. Disposing it leaves the group at once, so that others take over its partitions, and ends every wait.
 * A member that the engine does not hear of for the session timeout loses its partitions in the same way.
 */
export interface LogConsumer extends AsyncDisposable {
  /**
   * Each partition that this member is given, from now on and until the signal aborts or the consumer is disposed, which end it normally.
   * A partition that is lost and given again comes again, as a new object. A topic that is created anew takes its old partitions away.
   * Iterate it once. It rejects where the member cannot stay in the group (`logDenied`); every other trouble is retried and told by `health`.
   */
  partitions(signal: AbortSignal): AsyncIterable<OwnedPartition>;
  /** Undefined while the member works in its group; else what is wrong, since when (monotonic milliseconds). */
  readonly health: ConsumerTrouble | undefined;
}

export interface ConsumerTrouble {
  readonly message: string;
  readonly sinceMs: number;
}

/** A partition of this member. At any time at most one member that is heard of owns it; others may still work on what they fetched. */
export interface OwnedPartition {
  readonly topic: LogTopic;
  readonly partition: number;
  /** Known without asking anybody: false from the moment at which another member may be given the partition. It never becomes true again. */
  readonly isOwned: boolean;
  /** Aborts when the partition is taken away. */
  readonly revoked: AbortSignal;
  /** Offset of the next fetch: the group's commit at first. */
  readonly position: number;
  /** The next fetch begins there; a fetch under way is not delivered. The way over a record that cannot be handled, too. */
  seek(offset: number): void;
  /**
   * The next records, at most one fetch at a time; nothing is fetched while nobody asks (one batch of read-ahead at most).
   * `revoked` once the partition is not owned any more: records of a lost partition are never delivered.
   * Waits, aborts and errors as `read`.
   */
  fetch(limits: FetchLimits): Promise<LogBatch | 'revoked'>;
  /**
   * Stores the offset of the next record to handle for the group; durable when it settles. It may go back.
   * `revoked` where the partition is not owned any more: others go on at an earlier commit, or at this one if it still got there.
   */
  commit(offset: number): Promise<'committed' | 'revoked'>;
}
