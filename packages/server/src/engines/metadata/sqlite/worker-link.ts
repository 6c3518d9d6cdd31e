import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { WatchBatch } from '../metadata-store.ts';
import { isAnswer, type WorkerAnswer, type WorkerMessage, type WorkerOptions, type WorkerQuestion } from './sqlite-protocol.ts';

interface Waiting {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: AppError) => void;
}

/** What the link tells on its own: changed keys in revision order, and its end. */
export interface WorkerListener {
  committed(batches: readonly WatchBatch[], revision: number): void;
  died(error: AppError): void;
}

/** Questions and answers to the worker thread. When the worker dies, everything waiting and everything later is `metadataUnavailable`. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listener: WorkerListener;
  #nextId = 1;
  #end: AppError | undefined;

  private constructor(worker: Worker, listener: WorkerListener) {
    this.#worker = worker;
    this.#listener = listener;
    worker.on('message', (message: WorkerMessage) => this.#receive(message));
    worker.on('error', (error) => this.#die(`The metadata worker failed: ${errorText(error)}; restart the service.`));
    worker.on('exit', () => this.#die('The metadata worker has ended.'));
  }

  static async open(options: WorkerOptions, listener: WorkerListener): Promise<WorkerLink> {
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: options });
    const [first]: WorkerMessage[] = await once(worker, 'message');
    if (first?.type === 'unusable') {
      await worker.terminate();
      throw new AppError('metadataUnavailable', `The metadata file ${options.file} cannot be opened: ${first.message}.`);
    }
    return new WorkerLink(worker, listener);
  }

  async ask<Question extends WorkerQuestion>(question: Question): Promise<Extract<WorkerAnswer, { type: Question['type'] }>> {
    if (this.#end !== undefined) throw this.#end;
    const { promise, resolve, reject } = Promise.withResolvers<WorkerAnswer>();
    const id = this.#nextId++;
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, question });
    const answer = await promise;
    const type: Question['type'] = question.type;
    if (!isAnswer(answer, type)) throw new AppError('invariantBroken', `The metadata worker answered ${answer.type} to ${question.type}.`);
    return answer;
  }

  /** Waits for everything asked before, closes the file and joins the thread. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const exited = once(this.#worker, 'exit');
    await this.ask({ type: 'close' });
    await exited;
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'answer':
        if (message.answer.type === 'commit') this.#listener.committed(message.answer.outcome.batches, message.answer.outcome.revision);
        this.#take(message.id)?.resolve(message.answer);
        return;
      case 'failed':
        this.#take(message.id)?.reject(new AppError(message.code, message.message));
        return;
      case 'expired':
        this.#listener.committed(message.batches, message.revision);
        return;
      case 'ready':
      case 'unusable':
        return;
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #die(message: string): void {
    if (this.#end !== undefined) return;
    const error = new AppError('metadataUnavailable', message);
    this.#end = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#listener.died(error);
  }
}
