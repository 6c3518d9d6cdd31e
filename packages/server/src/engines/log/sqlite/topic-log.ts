import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { LogTopic, OffsetRange } from '../log-engine.ts';
import type { EncodedRecords } from '../record-codec.ts';
import { compactedRows, latestOffsets } from './compaction.ts';
import type { EncodedRow, ReadAnswer, ReadQuestion, StoreOptions, TopicState } from './log-protocol.ts';
import { planRetention } from './retention.ts';
import { isDamage, Segment, type SegmentRow, syncFolder } from './segment.ts';

/** Sealed segments that are kept open for readers. */
const maxOpenSealed = 8;

/** A sealed segment, known without opening it. */
interface Sealed {
  readonly path: string;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  readonly newestMs: number;
  bytes: number;
}

export interface TopicAppend {
  readonly partition: number;
  readonly rows: readonly EncodedRow[];
}

export interface TopicLogOptions extends Omit<StoreOptions, 'folder'> {
  readonly topic: LogTopic;
  readonly compacted: boolean;
  /** Of this topic alone. */
  readonly folder: string;
}

/** The segments of one topic: sealed ones, oldest first, and the active one, to which is appended. */
export class TopicLog implements Disposable {
  readonly topic: LogTopic;
  readonly #options: TopicLogOptions;
  readonly #sealed: Sealed[] = [];
  readonly #open = new Map<string, Segment>();
  #active: Segment;
  #number: number;
  #ends: number[];

  private constructor(options: TopicLogOptions, { active, number }: { readonly active: Segment; readonly number: number }) {
    this.topic = options.topic;
    this.#options = options;
    this.#active = active;
    this.#number = number;
    this.#ends = active.ends();
  }

  static create(options: TopicLogOptions, nowMs: number): TopicLog {
    const active = Segment.create(segmentPath(options.folder, 1), { begins: Array(options.topic.partitions).fill(0), createdMs: nowMs });
    return new TopicLog(options, { active, number: 1 });
  }

  /** A last segment that was not finished when the process died is taken away; older ones that were not sealed are sealed. */
  static open(options: TopicLogOptions): TopicLog {
    const { folder } = options;
    const numbers = segmentNumbers(folder);
    let number = numbers.pop();
    let active = number === undefined ? undefined : Segment.openActive(segmentPath(folder, number));
    if (number !== undefined && active === undefined && numbers.length > 0) {
      removeSegment(segmentPath(folder, number));
      number = numbers.pop();
      active = number === undefined ? undefined : Segment.openActive(segmentPath(folder, number));
    }
    if (number === undefined || active === undefined) throw new Error(`the topic ${options.topic.name} has no segment in ${folder}`);
    const log = new TopicLog(options, { active, number });
    let ends: readonly number[] = active.begins;
    for (const older of numbers.reverse()) {
      const path = segmentPath(folder, older);
      if (existsSync(`${path}-wal`)) Segment.openActive(path)?.seal();
      using segment = Segment.openSealed(path, { readOnly: true });
      log.#sealed.unshift({ path, begins: segment.begins, ends, newestMs: segment.newestMs(), bytes: segment.fileBytes() });
      ends = segment.begins;
    }
    return log;
  }

  get isCompacted(): boolean {
    return this.#options.compacted;
  }

  get state(): TopicState {
    return { topic: this.topic, begins: this.#begins(), ends: [...this.#ends] };
  }

  /** Appends in one durable commit; per append the offset of its first record. Throws as `Segment.append`. */
  append(appends: readonly TopicAppend[], nowMs: number): { readonly offset: number; readonly end: number }[] {
    if (this.#mustRoll(nowMs)) this.#roll(nowMs);
    const ends = [...this.#ends];
    const rows: SegmentRow[] = [];
    const results = appends.map(({ partition, rows: encoded }) => {
      const offset = ends[partition];
      if (offset === undefined) throw new AppError('invariantBroken', `The topic ${this.topic.name} has no partition ${partition}.`);
      let end = offset;
      for (const { bytes, count } of encoded) {
        rows.push({ partition, baseOffset: end, count, timestampMs: nowMs, bytes });
        end += count;
      }
      ends[partition] = end;
      return { offset, end };
    });
    this.#active.append(rows);
    this.#ends = ends;
    return results;
  }

  /** From an offset at or above the begin on. */
  read({ partition, offset, maxRecords, maxBytes }: ReadQuestion): ReadAnswer {
    const rows: EncodedRecords[] = [];
    const unreadable: OffsetRange[] = [];
    let records = 0;
    let bytes = 0;
    let next = offset;
    for (const sealed of this.#sealed) {
      const end = sealed.ends[partition] ?? 0;
      if (end <= next) continue;
      const limits = { maxRecords: maxRecords - records, maxBytes: maxBytes - bytes };
      try {
        const found = this.#opened(sealed.path).read({ partition, offset: next, ...limits });
        rows.push(...found.rows);
        unreadable.push(...found.unreadable);
        records += found.records;
        bytes += found.bytes;
        next = found.stoppedAt ?? end;
        if (found.stoppedAt !== undefined) return { rows, unreadable, nextOffset: next };
      } catch (error) {
        if (!isDamage(error)) throw error;
        unreadable.push({ begin: next, end });
        next = end;
      }
    }
    const found = this.#active.read({ partition, offset: next, maxRecords: maxRecords - records, maxBytes: maxBytes - bytes });
    rows.push(...found.rows);
    unreadable.push(...found.unreadable);
    return { rows, unreadable, nextOffset: found.stoppedAt ?? this.#ends[partition] ?? next };
  }

  /** Seals what is old, and unlinks what retention lets go. Undefined where nothing changed. */
  retain(
    floors: readonly number[] | undefined,
    nowMs: number,
  ): { readonly begins: readonly number[]; readonly lostRecords: number } | undefined {
    if (this.#options.compacted) return undefined;
    if (!this.#active.isEmpty() && this.#mustRoll(nowMs)) this.#roll(nowMs);
    const { retentionMs, maxTopicBytes: maxBytes } = this.#options;
    const plan = planRetention({ segments: this.#sealed, activeBytes: this.#active.bytes(), floors, nowMs, retentionMs, maxBytes });
    if (plan.drop === 0) return undefined;
    for (const { path } of this.#sealed.splice(0, plan.drop)) this.#remove(path);
    syncFolder(this.#options.folder);
    return { begins: this.#begins(), lostRecords: plan.lostRecords };
  }

  [Symbol.dispose](): void {
    for (const segment of this.#open.values()) segment[Symbol.dispose]();
    this.#open.clear();
    this.#active[Symbol.dispose]();
  }

  /** A compacted topic begins at 0 for ever: what is missing in it is only older than what is there. */
  #begins(): readonly number[] {
    if (this.#options.compacted) return this.#ends.map(() => 0);
    return this.#sealed[0]?.begins ?? this.#active.begins;
  }

  #mustRoll(nowMs: number): boolean {
    const { segmentBytes, segmentMs, compacted } = this.#options;
    if (this.#active.isEmpty()) return false;
    return this.#active.bytes() >= segmentBytes || (!compacted && nowMs - this.#active.createdMs >= segmentMs);
  }

  /** The next segment is there before this one is sealed: a death between the two leaves one to be sealed at the start. */
  #roll(nowMs: number): void {
    const { folder, compacted } = this.#options;
    const before = this.#active;
    const newestMs = before.newestMs();
    const path = segmentPath(folder, this.#number + 1);
    // What a failed roll may have left.
    removeSegment(path);
    this.#active = Segment.create(path, { begins: this.#ends, createdMs: nowMs });
    this.#number += 1;
    try {
      before.seal();
    } catch {
      // A full disk: it is read as it is, and sealed at the next start.
      before[Symbol.dispose]();
    }
    this.#sealed.push({ path: before.path, begins: before.begins, ends: [...this.#ends], newestMs, bytes: before.fileBytes() });
    if (compacted) this.#compact();
  }

  #compact(): void {
    for (const segment of this.#open.values()) segment[Symbol.dispose]();
    this.#open.clear();
    const { partitions } = this.topic;
    const latest = latestOffsets(this.#sealed, partitions);
    for (const sealed of [...this.#sealed]) {
      using segment = Segment.openSealed(sealed.path, { readOnly: false });
      const rows = compactedRows(segment, { latest, partitions });
      if (rows === 'unchanged') continue;
      segment.replaceRows(rows);
      sealed.bytes = segment.fileBytes();
    }
  }

  #opened(path: string): Segment {
    const segment = this.#open.get(path) ?? Segment.openSealed(path, { readOnly: true });
    // The one used last stands last.
    this.#open.delete(path);
    this.#open.set(path, segment);
    const [oldest] = this.#open;
    if (this.#open.size > maxOpenSealed && oldest !== undefined) {
      oldest[1][Symbol.dispose]();
      this.#open.delete(oldest[0]);
    }
    return segment;
  }

  #remove(path: string): void {
    this.#open.get(path)?.[Symbol.dispose]();
    this.#open.delete(path);
    removeSegment(path);
  }
}

const segmentPattern = /^(\d{10})\.sqlite$/;

function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(10, '0')}.sqlite`);
}

/** Ascending. */
function segmentNumbers(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => segmentPattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function removeSegment(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
