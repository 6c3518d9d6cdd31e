import { randomBytes } from 'node:crypto';
import type { ByteBudget } from '../../kernel/async/byte-budget.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { giveBack } from '../../kernel/lifecycle/give-back.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { DefinitionMirror } from '../definitions/definition-mirror.ts';
import { sinkKeyText } from '../definitions/keys.ts';
import { type Sink, sinkKeyOf } from '../definitions/sink.ts';
import { compileMapping } from '../mapping/compile-mapping.ts';
import type { ColumnFault, CompiledMapping, RenderedRow } from '../mapping/mapping.ts';
import type { IngestRecord } from '../mapping/record.ts';
import type { UuidSource } from '../mapping/uuid.ts';
import type { PartEncoder } from '../storage/part-encoder.ts';
import { partNameText } from '../storage/part-name.ts';
import type { AppendRequest, SliceWriter } from '../storage/slice-writer.ts';
import type { StorageView } from '../storage/storage-view.ts';
import { type RowOutcome, SinkStream } from './sink-stream.ts';

export interface SinkRouterOptions {
  readonly nodeId: string;
  readonly definitions: Pick<DefinitionMirror, 'sources'>;
  readonly view: Pick<StorageView, 'findWritingSlice' | 'writingSlice'>;
  readonly writer: SliceWriter;
  readonly encoderOf: (partName: string, codec: AppendRequest['codec']) => PartEncoder;
  readonly uuid: UuidSource;
  readonly maxRowBytes: number;
  /** Rows that are queued or in flight, over all sinks. */
  readonly budget: ByteBudget;
  /** Told of each row that its client did not wait for and that is not stored, or may not be. */
  readonly onLost: (lost: LostRow) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SinkOutcome {
  readonly sink: Sink;
  readonly outcome:
    | RowOutcome
    /** Taken into memory; the sink's clients do not wait for more. */
    | { readonly type: 'accepted' }
    | { readonly type: 'fault'; readonly fault: ColumnFault }
    | { readonly type: 'withheld' };
}

export interface LostRow {
  readonly sink: Sink;
  readonly outcome: Exclude<RowOutcome, { readonly type: 'stored' }>;
}

interface RoutedRow {
  readonly sink: Sink;
  readonly row: RenderedRow;
}

interface StoreOutcome {
  readonly sink: Sink;
  readonly outcome: RowOutcome;
}

interface OpenStream {
  readonly stream: SinkStream;
  /** The newest version of the sink that a row came for. */
  version: number;
  /** The mirror has shown that version. */
  isKnown: boolean;
}

const lookMs = 100;
/** Streams from which on idle ones are looked for. */
const firstPruneAt = 100;
const overloaded: RowOutcome = { type: 'refused', code: 'overloaded', reason: 'the queues of this node are full; try again' };

/**
 * One record to all its sinks (record path 3): rendered for every sink first, so that a client fault refuses the whole
 * request before anything is stored (I5); then room is reserved; then every row joins the open block of its sink.
 */
export class SinkRouter {
  readonly #options: SinkRouterOptions;
  /** Of this start: parts of an earlier one are never continued. */
  readonly #epoch = randomBytes(8).toString('hex');
  readonly #streams = new Map<string, OpenStream>();
  /** By sink object: a changed sink is a new object, and the old one's mapping goes with it. */
  readonly #mappings = new WeakMap<Sink, CompiledMapping>();
  readonly #keys = new WeakMap<Sink, string>();
  #parts = 0;
  #pruneAt = firstPruneAt;

  constructor(options: SinkRouterOptions) {
    this.#options = options;
  }

  /** Takes the record's body over, which may be empty afterwards. The outcomes in the order of the sinks, once every sink has spoken whose clients wait. */
  async route(record: IngestRecord, sinks: readonly Sink[]): Promise<readonly SinkOutcome[]> {
    if (sinks.length === 0) return [];
    const rendered = sinks.map((sink) => ({ sink, row: this.#mappingOf(sink).render(record) }));
    if (rendered.some(({ row }) => !row.ok)) {
      return rendered.map(({ sink, row }) => ({ sink, outcome: row.ok ? { type: 'withheld' } : { type: 'fault', fault: row } }));
    }
    const rows = rendered.flatMap(({ sink, row }) => (row.ok ? [{ sink, row }] : []));
    // The block keeps the record beside the row, for a sink that changes meanwhile.
    const bytes = record.body.length + rows.reduce((sum, { row }) => sum + row.bytes.length, 0);
    if (!this.#options.budget.reserve(bytes, rows.length)) {
      return sinks.map((sink) => ({ sink, outcome: overloaded }));
    }
    record.forgetDerived();
    const unwaited = rows.filter(({ sink }) => !this.#isWaitedFor(sink));
    if (unwaited.length > 0) return this.#accept(record, { rows, unwaited, bytes });
    try {
      return await this.#store(record, rows);
    } finally {
      this.#release(record, { bytes, rows });
    }
  }

  /** Settles when no row is queued or in flight. */
  async drain(): Promise<void> {
    await Promise.all([...this.#streams.values()].map(({ stream }) => stream.drain()));
  }

  /** By the slice that takes the sink's rows; where none is known, the answer waits for one. */
  #isWaitedFor(sink: Sink): boolean {
    return this.#options.view.writingSlice(this.#keyOf(sink))?.slice.sync?.wait ?? true;
  }

  /** Rows of `unwaited` are stored behind the answer; their room is theirs until then. */
  async #accept(
    record: IngestRecord,
    { rows, unwaited, bytes }: { rows: readonly RoutedRow[]; unwaited: readonly RoutedRow[]; bytes: number },
  ): Promise<readonly SinkOutcome[]> {
    const waited = rows.filter((row) => !unwaited.includes(row));
    const answered = waited.length > 0 ? this.#store(record, waited) : [];
    void Promise.all([this.#store(record, unwaited), answered]).then(([outcomes]) => {
      this.#release(record, { bytes, rows });
      for (const { sink, outcome } of outcomes) if (outcome.type !== 'stored') this.#options.onLost({ sink, outcome });
    });
    const known = new Map<Sink, SinkOutcome>((await answered).map((outcome) => [outcome.sink, outcome]));
    return rows.map(({ sink }) => known.get(sink) ?? { sink, outcome: { type: 'accepted' } });
  }

  /** Every row is settled: nobody reads the record any more. */
  #release(record: IngestRecord, { bytes, rows }: { readonly bytes: number; readonly rows: readonly RoutedRow[] }): void {
    this.#options.budget.release(bytes, rows.length);
    giveBack(record.body);
  }

  /** `rows` must not be empty. */
  #store(record: IngestRecord, rows: readonly RoutedRow[]): Promise<readonly StoreOutcome[]> {
    return new Promise((resolve) => {
      const outcomes: StoreOutcome[] = [];
      let open = rows.length;
      for (const [index, { sink, row }] of rows.entries()) {
        const settle = (outcome: RowOutcome) => {
          outcomes[index] = { sink, outcome };
          open -= 1;
          if (open === 0) resolve(outcomes);
        };
        this.#streamOf(sink).add({
          record,
          row: { bytes: row.bytes, invalidUtf8: row.invalidUtf8, nul: row.nul, receivedAt: record.receivedAt },
          sinkVersion: sink.version.number,
          settle,
        });
      }
    });
  }

  #keyOf(sink: Sink): string {
    const known = this.#keys.get(sink) ?? sinkKeyText(sinkKeyOf(sink));
    this.#keys.set(sink, known);
    return known;
  }

  #mappingOf(sink: Sink): CompiledMapping {
    const known = this.#mappings.get(sink);
    if (known) return known;
    const { maxRowBytes, uuid } = this.#options;
    const mapping = compileMapping(sink.table.mapping.columns, { maxRowBytes, uuid });
    this.#mappings.set(sink, mapping);
    return mapping;
  }

  #streamOf(sink: Sink): SinkStream {
    const sinkKey = this.#keyOf(sink);
    const open = this.#streams.get(sinkKey) ?? this.#openStream(sinkKey, sink);
    if (sink.version.number > open.version) {
      open.version = sink.version.number;
      open.isKnown = false;
      this.#isEnabled(sink, open);
    }
    return open.stream;
  }

  #openStream(sinkKey: string, sink: Sink): OpenStream {
    const { writer, view, clock, logger } = this.#options;
    const isEnabled = () => this.#isEnabled(sink, open);
    const stream = new SinkStream({
      sinkKey,
      writer,
      clock,
      logger,
      findSlice: async (key, { avoid, timeoutMs }) => {
        // In short steps: a sink that is disabled meanwhile gets no slice, and its rows need not wait for one.
        for (let leftMs = timeoutMs; leftMs > 0; leftMs -= lookMs) {
          const found = await view.findWritingSlice(key, { avoid, timeoutMs: Math.min(leftMs, lookMs) });
          if (found || !isEnabled()) return found;
        }
        return undefined;
      },
      findMapping: (_key, version) => {
        const now = this.#enabledSink(sink);
        return now?.version.number === version ? this.#mappingOf(now) : undefined;
      },
      isEnabled,
      openPart: (codec) => this.#openPart(codec),
      sleep: (ms) => sleep(ms),
    });
    const open: OpenStream = { stream, version: 0, isKnown: false };
    if (this.#streams.size >= this.#pruneAt) this.#prune();
    this.#streams.set(sinkKey, open);
    return open;
  }

  /** A version that was read through from the store is not gone just because the mirror does not show it yet. */
  #isEnabled(sink: Sink, open: OpenStream): boolean {
    const now = this.#enabledSink(sink);
    open.isKnown ||= now !== undefined && now.version.number >= open.version;
    return now !== undefined || !open.isKnown;
  }

  /** Forgets the streams of sinks that are disabled or deleted. */
  #prune(): void {
    for (const [key, { stream }] of this.#streams) if (stream.isIdle && !stream.isEnabled) this.#streams.delete(key);
    this.#pruneAt = Math.max(firstPruneAt, this.#streams.size * 2);
  }

  #enabledSink({ projectId, branchId, sourceId, sinkId }: Sink): Sink | undefined {
    const view = this.#options.definitions.sources(projectId, sourceId).find(({ source }) => source.branchId === branchId);
    return view?.sinks.find((sink) => sink.sinkId === sinkId);
  }

  #openPart(codec: AppendRequest['codec']): { name: string; encoder: PartEncoder } {
    this.#parts += 1;
    const name = partNameText({ nodeId: this.#options.nodeId, epoch: this.#epoch, number: this.#parts });
    return { name, encoder: this.#options.encoderOf(name, codec) };
  }
}
