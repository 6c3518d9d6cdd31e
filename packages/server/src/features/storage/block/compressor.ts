import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { BlockCodec } from './block-codec.ts';

/** Below this a member is compressed at once: the way to a thread and back would cost more. */
const inlineBytes = 16 * 1024;

interface Job {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** What a worker answers to `{ id, raw }`. */
export type CompressorAnswer = { readonly id: number; readonly payload: Uint8Array<ArrayBuffer> } | { readonly id: number; readonly error: string };

/**
 * Compresses members: small ones on the calling thread, larger ones in threads of its own,
 * never in libuv's pool, where file I/O would queue behind them.
 * Jobs need no bound here: their bytes were reserved by the source before (record path 3.2).
 */
export class Compressor implements AsyncDisposable {
  readonly #codec: BlockCodec;
  readonly #size: number;
  readonly #workers: Worker[] = [];
  readonly #jobs = new Map<number, Job>();
  #nextId = 0;

  constructor(codec: BlockCodec, size = Math.max(1, Math.min(4, availableParallelism() - 1))) {
    this.#codec = codec;
    this.#size = size;
  }

  /** The payload of one member. `raw` must not change until the promise settles. */
  compress(raw: Buffer): Buffer | Promise<Buffer> {
    if (raw.length < inlineBytes) return this.#codec.compress(raw);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#jobs.set(id, { resolve, reject });
    this.#worker(id).postMessage({ id, raw });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
    this.#fail(new Error('the compressor is closed'));
  }

  #worker(id: number): Worker {
    const slot = id % this.#size;
    const running = this.#workers[slot];
    if (running) return running;
    const worker = new Worker(new URL('./compressor-worker.ts', import.meta.url), { workerData: { codec: this.#codec.name } });
    worker.unref();
    worker.on('message', (answer: CompressorAnswer) => this.#settle(answer));
    worker.on('error', (error) => {
      this.#workers.length = 0;
      this.#fail(new Error(`a compression thread died: ${errorText(error)}`));
    });
    this.#workers[slot] = worker;
    return worker;
  }

  #settle(answer: CompressorAnswer): void {
    const job = this.#jobs.get(answer.id);
    this.#jobs.delete(answer.id);
    if ('error' in answer) job?.reject(new Error(answer.error));
    else job?.resolve(Buffer.from(answer.payload.buffer, answer.payload.byteOffset, answer.payload.byteLength));
  }

  #fail(error: Error): void {
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
  }
}
