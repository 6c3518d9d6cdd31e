import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { giveBack } from '../../../kernel/lifecycle/give-back.ts';
import type { BlockCodec, CodecName } from './block-codec.ts';
import { ownMemory } from './own-memory.ts';

const closedText = 'the compressor is closed';

interface Job {
  readonly slot: number;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** What a thread is asked. */
export interface CompressorQuestion {
  readonly id: number;
  readonly codec: CodecName;
  readonly level: number;
  readonly raw: Uint8Array<ArrayBuffer>;
}

/** What it answers. */
export type CompressorAnswer =
  | { readonly id: number; readonly payload: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly error: string };

/**
 * Compresses members: small ones on the calling thread, larger ones (`threadBytes` of the codec) in threads of its own,
 * never in libuv's pool, where file I/O would queue behind them.
 * Jobs need no bound here: their bytes were reserved by the source before (record path 3.2).
 */
export class Compressor implements AsyncDisposable {
  readonly #size: number;
  readonly #workers = new Map<number, Worker>();
  readonly #jobs = new Map<number, Job>();
  #nextId = 0;
  readonly #stop = new AbortController();

  constructor(size = Math.max(1, Math.min(4, availableParallelism() - 1))) {
    this.#size = size;
  }

  /**
   * The payload of one member. Takes `raw` over: a memory that it fills alone is moved to the thread or given back, and empty afterwards.
   * Rejects where a thread dies or the compressor is closed.
   */
  compress(codec: BlockCodec, raw: Buffer): Buffer | Promise<Buffer> {
    if (raw.length < codec.threadBytes) {
      const payload = codec.compress(raw);
      giveBack(raw);
      return payload;
    }
    if (this.#stop.signal.aborted) return Promise.reject(new Error(closedText));
    const id = this.#nextId++;
    const slot = id % this.#size;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#jobs.set(id, { slot, resolve, reject });
    const question: CompressorQuestion = { id, codec: codec.name, level: codec.level, raw: ownMemory(raw) };
    this.#worker(slot).postMessage(question, [question.raw.buffer]);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#workers.values()].map((worker) => worker.terminate()));
  }

  #worker(slot: number): Worker {
    const running = this.#workers.get(slot);
    if (running) return running;
    const worker = new Worker(new URL('./compressor-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', (answer: CompressorAnswer) => this.#settle(answer));
    let reason = 'it ended';
    worker.on('error', (error) => {
      reason = errorText(error);
    });
    // The next job of the slot starts another thread; jobs of other slots go on.
    worker.on('exit', () => {
      this.#workers.delete(slot);
      this.#fail(slot, new Error(this.#stop.signal.aborted ? closedText : `a compression thread died: ${reason}`));
    });
    this.#workers.set(slot, worker);
    return worker;
  }

  #settle(answer: CompressorAnswer): void {
    const job = this.#jobs.get(answer.id);
    this.#jobs.delete(answer.id);
    if ('error' in answer) job?.reject(new Error(answer.error));
    else job?.resolve(Buffer.from(answer.payload.buffer, answer.payload.byteOffset, answer.payload.byteLength));
  }

  #fail(slot: number, error: Error): void {
    for (const [id, job] of this.#jobs) {
      if (job.slot !== slot) continue;
      this.#jobs.delete(id);
      job.reject(error);
    }
  }
}
