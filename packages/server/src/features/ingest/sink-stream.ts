import { errorText } from '../../kernel/errors/app-error.ts';
import { giveBack } from '../../kernel/lifecycle/give-back.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { CompiledMapping } from '../mapping/mapping.ts';
import type { IngestRecord } from '../mapping/record.ts';
import { type BlockRow, type EncodedBlock, nextBlockRows, type PartEncoder } from '../storage/part-encoder.ts';
import type { AppendRequest, AppendResult, SliceWriter } from '../storage/slice-writer.ts';
import type { WritingSlice } from '../storage/storage-view.ts';

type RefusalCode = 'noOpenedSliceFound' | 'appendRefused' | 'diskFull' | 'diskFailed' | 'overloaded';

/** What became of a row. */
export type RowOutcome =
  | { readonly type: 'stored' }
  /** The sink was disabled or deleted meanwhile: as if that had been so before the request came. */
  | { readonly type: 'gone' }
  /** Surely not stored. */
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly reason: string; readonly retryAfterSeconds?: number }
  /** Sent, and nobody can say whether it is stored. */
  | { readonly type: 'inDoubt'; readonly reason: string };

export interface PendingRow {
  readonly record: IngestRecord;
  readonly settle: (outcome: RowOutcome) => void;
  row: BlockRow;
  /** Of the sink that the row was rendered for. */
  sinkVersion: number;
}

export interface SinkStreamOptions {
  readonly sinkKey: string;
  readonly writer: SliceWriter;
  /** The sink's slice that takes rows, other than `avoid`; waits for it up to `timeoutMs`. */
  readonly findSlice: (sinkKey: string, options: { avoid: string | undefined; timeoutMs: number }) => Promise<WritingSlice | undefined>;
  /** The mapping of this version of the sink, once this node knows it. */
  readonly findMapping: (sinkKey: string, version: number) => CompiledMapping | undefined;
  /** False once this node knows that the sink was disabled or deleted. */
  readonly isEnabled: (sinkKey: string) => boolean;
  /** Opens the next part of this incarnation, in a slice of this codec. */
  readonly openPart: (codec: AppendRequest['codec']) => { readonly name: string; readonly encoder: PartEncoder };
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly logger: Logger;
}

/** How long a block looks for a slice that takes it, or for an answer, before its clients hear 503 (record path 4.3). */
const patienceMs = 2000;
const retryPauseMs = 20;
/** Rows that wait are compressed ahead from here on: less is compressed at once, and makes better blocks when it has grown. */
const aheadBytes = 16 * 1024;

interface OpenPart {
  readonly slice: string;
  readonly name: string;
  readonly encoder: PartEncoder;
  offset: number;
}

/**
 * The rows of one sink on their way to the writer: at most one append in flight (record path 3.3). With none in flight
 * a row is sent at once; what comes meanwhile is the next block. So an idle system answers in one sync, and a busy one batches.
 * A next block that is large enough is compressed while the one before is being written.
 */
export class SinkStream {
  readonly #options: SinkStreamOptions;
  readonly #queue: PendingRow[] = [];
  #queuedBytes = 0;
  /** Where the block goes that is being written. */
  #writing: { readonly part: OpenPart; readonly sinkVersion: number } | undefined;
  #ahead: BlockAhead | undefined;
  #part: OpenPart | undefined;
  /** A slice that said it takes nothing more. */
  #avoid: string | undefined;
  #pumping: Promise<void> | undefined;

  constructor(options: SinkStreamOptions) {
    this.#options = options;
  }

  /** The caller has reserved room for the row, and leaves its bytes to the stream; `settle` is called once. */
  add(row: PendingRow): void {
    this.#queue.push(row);
    this.#queuedBytes += rawBytes(row);
    this.#encodeAhead();
    this.#pumping ??= this.#pump();
  }

  /** Nothing is queued or in flight. */
  get isIdle(): boolean {
    return this.#pumping === undefined;
  }

  /** False once this node knows that the sink was disabled or deleted. */
  get isEnabled(): boolean {
    return this.#options.isEnabled(this.#options.sinkKey);
  }

  /** Settles when nothing is queued or in flight. */
  async drain(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping;
  }

  async #pump(): Promise<void> {
    // Behind a microtask, so that rows of requests that arrived together share the first block.
    await Promise.resolve();
    while (this.#ahead || this.#queue.length > 0) {
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const block: OpenBlock = { rows: ahead?.rows ?? this.#takeRows(), ahead, isSent: false };
      try {
        await this.#commit(block);
      } catch (error) {
        this.#part = undefined;
        const reason = errorText(error);
        this.#options.logger.error({ sink: this.#options.sinkKey, error: reason, isSent: block.isSent }, 'a block failed unexpectedly');
        settleAll(block.rows, block.isSent ? { type: 'inDoubt', reason } : { type: 'refused', code: 'appendRefused', reason });
      }
    }
    this.#pumping = undefined;
  }

  /** Brings the rows into one slice, or settles them otherwise. Where it rejects, the rows that are left are not settled. */
  async #commit(block: OpenBlock): Promise<void> {
    const { clock, sinkKey, isEnabled, sleep } = this.#options;
    const deadline = clock.monotonic() + patienceMs;
    let refusal: RowOutcome = {
      type: 'refused',
      code: 'noOpenedSliceFound',
      reason: 'the sink has no slice that takes rows at the moment',
    };
    while (block.rows.length > 0) {
      const timeoutMs = deadline - clock.monotonic();
      const target = timeoutMs > 0 ? await this.#findSlice(timeoutMs) : undefined;
      if (!target) return settleAll(block.rows, isEnabled(sinkKey) ? refusal : { type: 'gone' });
      const rendered = this.#renderFor(block.rows, target.slice.sinkVersion);
      if (!rendered) {
        await sleep(retryPauseMs);
        continue;
      }
      // Rendered again, they may have outgrown a block.
      const surplus = rendered.splice(nextBlockRows(rendered, rawBytes));
      this.#queue.unshift(...surplus);
      this.#queuedBytes += sumBytes(surplus);
      block.rows = rendered;
      if (rendered.length === 0) return;
      const verdict = await this.#send(block, target);
      if (verdict.type !== 'refused' || verdict.final) return settleAll(block.rows, verdict.type === 'refused' ? verdict.outcome : verdict);
      refusal = verdict.outcome;
      if (verdict.pause) await sleep(retryPauseMs);
    }
  }

  async #send(block: OpenBlock, target: WritingSlice): Promise<Verdict> {
    const part = this.#partFor(target);
    // A part is of one slice, so of one version: what was encoded ahead for this part still is what the rows are.
    const encoded = await (block.ahead?.part === part ? block.ahead.encoded : encode(part, block.rows));
    block.isSent = true;
    this.#writing = { part, sinkVersion: target.slice.sinkVersion };
    this.#encodeAhead();
    const result = await this.#append({ target, part, block: encoded }).finally(() => {
      this.#writing = undefined;
    });
    const verdict = this.#judge(result, target.key);
    // Where it is not stored, encoder and offset have moved on or are unknown: this part is finished for us.
    if (verdict.type === 'stored') part.offset += encoded.length;
    else this.#part = undefined;
    block.isSent = verdict.type === 'inDoubt';
    return verdict;
  }

  /** The rows of the next block, from the front of the queue. */
  #takeRows(): PendingRow[] {
    const rows = this.#queue.splice(0, nextBlockRows(this.#queue, rawBytes));
    this.#queuedBytes -= sumBytes(rows);
    return rows;
  }

  #encodeAhead(): void {
    if (!this.#writing || this.#ahead || this.#queuedBytes < aheadBytes) return;
    const { part, sinkVersion } = this.#writing;
    if (this.#queue.some((pending) => pending.sinkVersion !== sinkVersion)) return;
    const rows = this.#takeRows();
    const encoded = encode(part, rows);
    // Whoever sends the block meets the failure; where the part ends before, nobody does.
    encoded.catch(() => undefined);
    this.#ahead = { rows, part, encoded };
  }

  #findSlice(timeoutMs: number): Promise<WritingSlice | undefined> {
    return this.#options.findSlice(this.#options.sinkKey, { avoid: this.#avoid, timeoutMs });
  }

  #partFor({ key, slice }: WritingSlice): OpenPart {
    if (this.#part?.slice !== key) this.#part = { slice: key, offset: 0, ...this.#options.openPart(slice.codec) };
    return this.#part;
  }

  /** A writer that does not answer is asked again at the same offset, for a while: a repeat of a stored block succeeds. */
  async #append({ target, part, block }: { target: WritingSlice; part: OpenPart; block: EncodedBlock }): Promise<AppendResult> {
    const { writer, clock, sleep } = this.#options;
    const { sinkVersion, codec } = target.slice;
    let doubtUntil: number | undefined;
    for (;;) {
      try {
        const result = await writer.append({ slice: target.key, part: part.name, offset: part.offset, block, sinkVersion, codec });
        // Where an earlier call was not answered, it may still be at work with the block.
        if (result.type === 'durable' && doubtUntil === undefined) for (const buffer of block.buffers) giveBack(buffer);
        // It may have stored the block and lost the slice since.
        const isLost = doubtUntil !== undefined && result.type === 'unknownSlice';
        return isLost ? { type: 'failed', inDoubt: true, reason: 'the writer does not have the slice any more' } : result;
      } catch (error) {
        doubtUntil ??= clock.monotonic() + patienceMs;
        if (clock.monotonic() >= doubtUntil) return { type: 'failed', inDoubt: true, reason: errorText(error) };
        await sleep(retryPauseMs);
      }
    }
  }

  #judge(result: AppendResult, slice: string): Verdict {
    switch (result.type) {
      case 'durable':
        return { type: 'stored' };
      case 'sealed':
        this.#avoid = slice;
        return refusedBy('noOpenedSliceFound', 'the slice is sealed and its successor is not known yet');
      case 'mismatch':
      case 'unknownSlice':
        return { ...refusedBy('noOpenedSliceFound', 'the writer does not have the slice'), pause: true };
      case 'gap':
        return refusedBy('appendRefused', 'the part is finished');
      case 'conflict':
        this.#options.logger.error(
          { sink: this.#options.sinkKey, slice },
          'other bytes stand at the offset of a block: please report this bug',
        );
        return { type: 'inDoubt', reason: 'other bytes stand at the offset of the block' };
      case 'full':
        return fullVolume(result);
      case 'failed':
        this.#options.logger.error(
          { sink: this.#options.sinkKey, slice, reason: result.reason, inDoubt: result.inDoubt },
          'a block could not be stored',
        );
        return result.inDoubt ? { type: 'inDoubt', reason: result.reason } : { ...refusedBy('diskFailed', result.reason), pause: true };
    }
  }

  /**
   * The rows as the slice's version wants them; undefined while this node does not know that version.
   * A row that cannot be rendered any more is settled here: surely not stored.
   */
  #renderFor(rows: readonly PendingRow[], version: number): PendingRow[] | undefined {
    if (rows.every((pending) => pending.sinkVersion === version)) return [...rows];
    const mapping = this.#options.findMapping(this.#options.sinkKey, version);
    if (!mapping) return undefined;
    const attempts = rows.map((pending) => ({
      pending,
      rendered: pending.sinkVersion === version ? undefined : mapping.render(pending.record),
    }));
    return attempts.flatMap(({ pending, rendered }) => {
      if (!rendered) return [pending];
      if (!rendered.ok) {
        pending.settle({
          type: 'refused',
          code: 'appendRefused',
          reason: `the sink changed, and column "${rendered.column}": ${rendered.reason}`,
        });
        return [];
      }
      pending.row = {
        bytes: rendered.bytes,
        invalidUtf8: rendered.invalidUtf8,
        nul: rendered.nul,
        receivedAt: pending.record.receivedAt,
      };
      pending.sinkVersion = version;
      return [pending];
    });
  }
}

/** Rows on their way; `isSent` while nobody can say whether they are stored. */
interface OpenBlock {
  rows: PendingRow[];
  readonly ahead: BlockAhead | undefined;
  isSent: boolean;
}

/** The next block of the part, on the guess that the one before it gets stored. */
interface BlockAhead {
  readonly rows: PendingRow[];
  readonly part: OpenPart;
  readonly encoded: Promise<EncodedBlock>;
}

type Verdict = RefusalVerdict | (RowOutcome & { type: 'stored' | 'inDoubt' });

interface RefusalVerdict {
  readonly type: 'refused';
  readonly outcome: RowOutcome & { type: 'refused' };
  /** Trying again is of no use. */
  readonly final: boolean;
  /** Try again only after a moment. */
  readonly pause: boolean;
}

const refusedBy = (code: RefusalCode, reason: string): RefusalVerdict => ({
  type: 'refused',
  outcome: { type: 'refused', code, reason },
  final: false,
  pause: false,
});

const rawBytes = (pending: PendingRow): number => pending.row.bytes.length;
const sumBytes = (rows: readonly PendingRow[]): number => rows.reduce((sum, row) => sum + rawBytes(row), 0);
const encode = ({ encoder }: OpenPart, rows: readonly PendingRow[]): Promise<EncodedBlock> => encoder.encode(rows.map(({ row }) => row));

const fullVolume = ({ type: _, ...hint }: AppendResult & { readonly type: 'full' }): RefusalVerdict => ({
  type: 'refused',
  outcome: { type: 'refused', code: 'diskFull', reason: 'the volume has no room', ...hint },
  final: true,
  pause: false,
});

function settleAll(rows: readonly PendingRow[], outcome: RowOutcome): void {
  for (const pending of rows) {
    pending.settle(outcome);
    giveBack(pending.row.bytes);
  }
}
