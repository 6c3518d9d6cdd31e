import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import type { LogRecord } from '../log-engine.ts';
import { encodedBytes, encodeRecords } from '../record-codec.ts';
import type { AppendOutcome, EncodedRow, OffsetCommit, PartitionAppend } from './log-protocol.ts';

export interface SubmittedAppend {
  readonly topicId: string;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** At least the encoded ones. */
  readonly bytes: number;
}

interface WaitingAppend extends SubmittedAppend {
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingCommit {
  readonly commit: OffsetCommit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Writes of one shared commit; the answer as the worker's. */
export type Write = (
  appends: readonly PartitionAppend[],
  commits: readonly OffsetCommit[],
) => Promise<{ readonly appends: readonly AppendOutcome[]; readonly commitFailure: string | undefined }>;

/** Tells where a partition ends now, before those who appended hear it. */
export type OnEnd = (topicId: string, partition: number, end: number) => void;

/** Records of one row: what a reader takes up at least. */
const maxRowRecords = 1000;
const maxRowBytes = 256 * 1024;
const maxFlushBytes = 8 * 1024 * 1024;
const maxWaitingBytes = 64 * 1024 * 1024;
const maxWaitingAppends = 100_000;

/**
 * Gathers what arrives during a commit into the next one: one sync of the disk for many writers. At most one commit is under way.
 * Records of one partition are encoded together, whoever appended them, in the order of the calls.
 */
export class WriteQueue {
  readonly #write: Write;
  readonly #onEnd: OnEnd;
  readonly #appends: WaitingAppend[] = [];
  #commits: WaitingCommit[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  constructor(write: Write, onEnd: OnEnd) {
    this.#write = write;
    this.#onEnd = onEnd;
  }

  /** The offset of the first record. */
  append(append: SubmittedAppend): Promise<number> {
    if (this.#appends.length >= maxWaitingAppends || (this.#waitingBytes > 0 && this.#waitingBytes + append.bytes > maxWaitingBytes)) {
      return Promise.reject(new AppError('overloaded', 'Too many records wait for the log; repeat later.'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#appends.push({ ...append, resolve, reject });
    this.#waitingBytes += append.bytes;
    this.#running ??= this.#run();
    return promise;
  }

  commit(commit: OffsetCommit): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#commits.push({ commit, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Settles when everything submitted so far has. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Callers of the same turn share the first commit.
    await Promise.resolve();
    while (this.#appends.length > 0 || this.#commits.length > 0) {
      const commits = this.#commits;
      this.#commits = [];
      await this.#flush(this.#takeAppends(), commits);
    }
    this.#running = undefined;
  }

  async #flush(appends: readonly WaitingAppend[], commits: readonly WaitingCommit[]): Promise<void> {
    const groups = [...Map.groupBy(appends, ({ topicId, partition }) => `${topicId}/${partition}`).values()];
    try {
      const written = await this.#write(
        groups.map(encodedGroup),
        commits.map(({ commit }) => commit),
      );
      groups.forEach((group, index) => {
        this.#settle(group, written.appends[index]);
      });
      for (const { resolve, reject } of commits) {
        if (written.commitFailure === undefined) resolve();
        else reject(new AppError('logUnavailable', `The log could not store an offset: ${written.commitFailure}.`));
      }
    } catch (error) {
      // The worker took the records and died; they may be there.
      const inDoubt = isAppError(error, 'logUnavailable') ? new AppError('logInDoubt', error.message, { cause: error }) : error;
      for (const { reject } of appends) reject(inDoubt);
      for (const { reject } of commits) reject(error);
    }
  }

  #settle(group: readonly WaitingAppend[], outcome: AppendOutcome | undefined): void {
    const [first] = group;
    if (outcome?.type !== 'appended' || first === undefined) {
      const error = new AppError(
        outcome?.type === 'failed' ? outcome.code : 'invariantBroken',
        outcome?.type === 'failed' ? outcome.message : 'The worker of the log answered less than it was asked.',
      );
      for (const { reject } of group) reject(error);
      return;
    }
    this.#onEnd(first.topicId, first.partition, outcome.end);
    let { offset } = outcome;
    for (const { records, resolve } of group) {
      resolve(offset);
      offset += records.length;
    }
  }

  #takeAppends(): WaitingAppend[] {
    let count = 0;
    let bytes = 0;
    for (const append of this.#appends) {
      if (count > 0 && bytes + append.bytes > maxFlushBytes) break;
      count += 1;
      bytes += append.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#appends.splice(0, count);
  }
}

function encodedGroup(group: readonly WaitingAppend[]): PartitionAppend {
  const [first] = group;
  const records = group.length === 1 && first !== undefined ? first.records : group.flatMap((append) => append.records);
  return { topicId: first?.topicId ?? '', partition: first?.partition ?? 0, rows: encodedRows(records) };
}

function encodedRows(records: readonly LogRecord[]): EncodedRow[] {
  const rows: EncodedRow[] = [];
  let from = 0;
  let bytes = 0;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index];
    const size = record === undefined ? 0 : encodedBytes(record);
    if (index > from && (index - from >= maxRowRecords || bytes + size > maxRowBytes)) {
      rows.push(encodedRow(records.slice(from, index)));
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  rows.push(encodedRow(from === 0 ? records : records.slice(from)));
  return rows;
}

function encodedRow(records: readonly LogRecord[]): EncodedRow {
  return { bytes: encodeRecords(records), count: records.length };
}
