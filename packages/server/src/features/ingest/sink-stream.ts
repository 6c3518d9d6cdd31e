import type { Clock } from '../../kernel/time/clock.ts';
import { errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { CompiledMapping } from '../mapping/mapping.ts';
import type { IngestRecord } from '../mapping/record.ts';
import { type BlockRow, type EncodedBlock, nextBlockRows, type PartEncoder } from '../storage/part-encoder.ts';
import type { AppendResult, SliceWriter } from '../storage/slice-writer.ts';
import type { WritingSlice } from '../storage/storage-view.ts';

type RefusalCode = 'noOpenedSliceFound' | 'appendRefused' | 'diskFull' | 'diskFailed' | 'overloaded';

/** What became of a row. */
export type RowOutcome =
  | { readonly type: 'stored' }
  /** The sink was disabled or deleted meanwhile: as if that had been so before the request came. */
  | { readonly type: 'gone' }
  /** Surely not stored. */
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly reason: string }
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
  /** Opens the next part of this incarnation. */
  readonly openPart: () => { readonly name: string; readonly encoder: PartEncoder };
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly logger: Logger;
}

/** How long a block looks for a slice that takes it, or for an answer, before its clients hear 503 (record path 4.3). */
const patienceMs = 2000;
const retryPauseMs = 20;

interface OpenPart {
  readonly slice: string;
  readonly name: string;
  readonly encoder: PartEncoder;
  offset: number;
}

/**
 * The rows of one sink on their way to the writer: at most one append in flight (record path 3.3). With none in flight
 * a row is sent at once; what comes meanwhile is the next block. So an idle system answers in one sync, and a busy one batches.
 */
export class SinkStream {
  readonly #options: SinkStreamOptions;
  readonly #queue: PendingRow[] = [];
  #part: OpenPart | undefined;
  /** A slice that said it takes nothing more. */
  #avoid: string | undefined;
  #pumping: Promise<void> | undefined;

  constructor(options: SinkStreamOptions) {
    this.#options = options;
  }

  /** The caller has reserved room for the row; `settle` is called once. */
  add(row: PendingRow): void {
    this.#queue.push(row);
    this.#pumping ??= this.#pump();
  }

  /** Settles when nothing is queued or in flight. */
  async drain(): Promise<void> {
    while (this.#pumping) await this.#pumping;
  }

  async #pump(): Promise<void> {
    // Behind a microtask, so that rows of requests that arrived together share the first block.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const rows = this.#queue.splice(0, nextBlockRows(this.#queue, (pending) => pending.row.bytes.length));
      try {
        await this.#commit(rows);
      } catch (error) {
        this.#part = undefined;
        this.#options.logger.error({ sink: this.#options.sinkKey, error: errorText(error) }, 'a block failed unexpectedly');
        settleAll(rows, { type: 'inDoubt', reason: errorText(error) });
      }
    }
    this.#pumping = undefined;
  }

  /** Brings the rows into one slice, or settles them otherwise. */
  async #commit(block: readonly PendingRow[]): Promise<void> {
    const deadline = this.#options.clock.monotonic() + patienceMs;
    let refusal: RowOutcome = { type: 'refused', code: 'noOpenedSliceFound', reason: 'the sink has no slice that takes rows at the moment' };
    for (let rows = block; rows.length > 0; ) {
      const timeoutMs = deadline - this.#options.clock.monotonic();
      const target = timeoutMs > 0 ? await this.#findSlice(timeoutMs) : undefined;
      if (!target) return settleAll(rows, this.#options.isEnabled(this.#options.sinkKey) ? refusal : { type: 'gone' });
      const rendered = this.#renderFor(rows, target.slice.sinkVersion);
      if (!rendered) {
        await this.#options.sleep(retryPauseMs);
        continue;
      }
      rows = rendered;
      if (rows.length === 0) return;
      const part = this.#partFor(target.key);
      const encoded = await part.encoder.encode(rows.map((pending) => pending.row));
      const result = await this.#append({ target, part, block: encoded, deadline });
      if (result.type === 'durable') {
        part.offset += encoded.length;
        return settleAll(rows, { type: 'stored' });
      }
      // Encoder and offset have moved on or are unknown: whatever happened, this part is finished for us.
      this.#part = undefined;
      const verdict = this.#judge(result, target.key);
      if (verdict.type === 'inDoubt' || verdict.final) return settleAll(rows, verdict.type === 'inDoubt' ? verdict : verdict.outcome);
      refusal = verdict.outcome;
      if (verdict.pause) await this.#options.sleep(retryPauseMs);
    }
  }

  #findSlice(timeoutMs: number): Promise<WritingSlice | undefined> {
    return this.#options.findSlice(this.#options.sinkKey, { avoid: this.#avoid, timeoutMs });
  }

  #partFor(slice: string): OpenPart {
    if (this.#part?.slice !== slice) this.#part = { slice, offset: 0, ...this.#options.openPart() };
    return this.#part;
  }

  /** A writer that does not answer is asked again at the same offset: a repeat of a stored block succeeds. */
  async #append(request: { target: WritingSlice; part: OpenPart; block: EncodedBlock; deadline: number }): Promise<AppendResult> {
    const { target, part, block, deadline } = request;
    const { writer, clock, sleep } = this.#options;
    const { sinkVersion, codec } = target.slice;
    for (;;) {
      try {
        return await writer.append({ slice: target.key, part: part.name, offset: part.offset, block, sinkVersion, codec });
      } catch (error) {
        if (clock.monotonic() >= deadline) return { type: 'failed', inDoubt: true, reason: errorText(error) };
        await sleep(retryPauseMs);
      }
    }
  }

  #judge(result: Exclude<AppendResult, { type: 'durable' }>, slice: string): RefusalVerdict | (RowOutcome & { type: 'inDoubt' }) {
    switch (result.type) {
      case 'sealed':
        this.#avoid = slice;
        return refusedBy('noOpenedSliceFound', 'the slice is sealed and its successor is not known yet');
      case 'mismatch':
      case 'unknownSlice':
        return { ...refusedBy('noOpenedSliceFound', 'the writer does not have the slice'), pause: true };
      case 'gap':
        return refusedBy('appendRefused', 'the part is finished');
      case 'conflict':
        this.#options.logger.error({ sink: this.#options.sinkKey, slice }, 'other bytes stand at the offset of a block: please report this bug');
        return { type: 'inDoubt', reason: 'other bytes stand at the offset of the block' };
      case 'full':
        return { ...refusedBy('diskFull', 'the volume has no room'), final: true };
      case 'failed':
        this.#options.logger.error({ sink: this.#options.sinkKey, slice, reason: result.reason, inDoubt: result.inDoubt }, 'a block could not be stored');
        return result.inDoubt ? { type: 'inDoubt', reason: result.reason } : { ...refusedBy('diskFailed', result.reason), pause: true };
    }
  }

  /** The rows as the slice's version wants them; undefined while this node does not know that version. A row that cannot be rendered any more is settled here: surely not stored. */
  #renderFor(rows: readonly PendingRow[], version: number): PendingRow[] | undefined {
    if (rows.every((pending) => pending.sinkVersion === version)) return [...rows];
    const mapping = this.#options.findMapping(this.#options.sinkKey, version);
    if (!mapping) return undefined;
    return rows.filter((pending) => {
      const rendered = mapping.render(pending.record);
      if (!rendered.ok) {
        pending.settle({ type: 'refused', code: 'appendRefused', reason: `the sink changed, and column "${rendered.column}": ${rendered.reason}` });
        return false;
      }
      pending.row = { bytes: rendered.bytes, invalidUtf8: rendered.invalidUtf8, nul: rendered.nul, receivedAt: pending.record.receivedAt };
      pending.sinkVersion = version;
      return true;
    });
  }
}

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

function settleAll(rows: readonly PendingRow[], outcome: RowOutcome): void {
  for (const pending of rows) pending.settle(outcome);
}
