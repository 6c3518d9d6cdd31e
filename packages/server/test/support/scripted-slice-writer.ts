import { gunzipSync } from 'node:zlib';
import type { EncodedBlock } from '../../src/features/storage/part-encoder.ts';
import type { AppendRequest, AppendResult, SliceWriter } from '../../src/features/storage/slice-writer.ts';

/** What the writer does with the next append that is no repeat. */
export type WriterStep =
  | 'store'
  /** Stores, and the answer is lost. */
  | 'store, lose the answer'
  /** The request is lost. */
  | 'lose the request'
  /** The slice is sealed before the block; the test opens a successor. */
  | 'seal'
  | 'gap'
  | 'conflict'
  | 'mismatch'
  | 'unknownSlice'
  | 'full'
  | 'fail'
  | 'store, fail in doubt'
  | 'fail in doubt';

interface StoredBlock {
  readonly offset: number;
  readonly block: EncodedBlock;
}

/** Keeps what it is given as a writer would, and does as the script says; without a script it stores. */
export class ScriptedSliceWriter implements SliceWriter {
  readonly #steps: WriterStep[];
  readonly #parts = new Map<string, StoredBlock[]>();
  readonly sealed = new Set<string>();
  readonly requests: AppendRequest[] = [];
  /** Text of the rows in the order in which they were stored. */
  readonly rows: string[] = [];
  onSeal: (slice: string) => void = () => {};
  inFlight = 0;
  mostInFlight = 0;

  constructor(steps: readonly WriterStep[] = []) {
    this.#steps = [...steps];
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    this.requests.push(request);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    this.inFlight -= 1;
    return this.#judge(request);
  }

  #judge(request: AppendRequest): AppendResult {
    const { slice, part, offset, block } = request;
    const place = `${slice} ${part}`;
    const blocks = this.#parts.get(place) ?? [];
    const length = blocks.reduce((sum, stored) => sum + stored.block.length, 0);
    const repeated = blocks.find((stored) => stored.offset === offset);
    if (repeated) return repeated.block.checksum === block.checksum ? { type: 'durable', watermark: length } : { type: 'conflict' };
    if (this.sealed.has(slice)) return { type: 'sealed', sealedLength: length };
    if (offset !== length) return { type: 'gap', watermark: length };
    const step = this.#steps.shift() ?? 'store';
    if (step.startsWith('store')) {
      this.#parts.set(place, [...blocks, { offset, block }]);
      this.rows.push(...rowsOf(block));
    }
    switch (step) {
      case 'store':
        return { type: 'durable', watermark: length + block.length };
      case 'store, lose the answer':
      case 'lose the request':
        throw new Error('socket hang up');
      case 'seal':
        this.sealed.add(slice);
        this.onSeal(slice);
        return { type: 'sealed', sealedLength: length };
      case 'gap':
        return { type: 'gap', watermark: length };
      case 'mismatch':
        return { type: 'mismatch', sinkVersion: 99, codec: 'gzip' };
      case 'conflict':
      case 'unknownSlice':
      case 'full':
        return { type: step };
      case 'fail':
        return { type: 'failed', inDoubt: false, reason: 'EIO' };
      case 'fail in doubt':
      case 'store, fail in doubt':
        return { type: 'failed', inDoubt: true, reason: 'EIO' };
    }
  }
}

/** The rows of a block, as any gzip tool reads them. */
export function rowsOf(block: EncodedBlock): string[] {
  return gunzipSync(Buffer.concat(block.buffers)).toString().split('\n').slice(0, -1);
}
