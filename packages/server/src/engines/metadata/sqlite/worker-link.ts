import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PendingCalls } from '../../../kernel/async/pending-calls.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { WatchBatch } from '../metadata-store.ts';
import { isAnswer, type WorkerAnswer, type WorkerMessage, type WorkerOptions, type WorkerQuestion } from './sqlite-protocol.ts';

/** What the link tells on its own: changed keys in revision order, and its end. */
export interface WorkerListener {
  committed(batches: readonly WatchBatch[], revision: number): void;
  died(error: AppError): void;
}

/** Questions and answers to the worker thread. When the worker dies, everything waiting and everything later is `metadataUnavailable`. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #calls = new PendingCalls<WorkerAnswer>();
  readonly #listener: WorkerListener;

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
    const { id, answer: coming } = this.#calls.begin();
    this.#worker.postMessage({ id, question });
    const answer = await coming;
    const type: Question['type'] = question.type;
    if (!isAnswer(answer, type)) throw new AppError('invariantBroken', `The metadata worker answered ${answer.type} to ${question.type}.`);
    return answer;
  }

  /** Waits for everything asked before, closes the file and joins the thread. */
  async close(): Promise<void> {
    if (this.#calls.hasEnded) return;
    const exited = once(this.#worker, 'exit');
    await this.ask({ type: 'close' });
    await exited;
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'answer':
        if (message.answer.type === 'commit') this.#listener.committed(message.answer.outcome.batches, message.answer.outcome.revision);
        this.#calls.answer(message.id, message.answer);
        return;
      case 'failed':
        this.#calls.fail(message.id, new AppError(message.code, message.message));
        return;
      case 'expired':
        this.#listener.committed(message.batches, message.revision);
        return;
      case 'ready':
      case 'unusable':
        return;
    }
  }

  #die(message: string): void {
    if (this.#calls.hasEnded) return;
    const error = new AppError('metadataUnavailable', message);
    this.#calls.end(error);
    this.#listener.died(error);
  }
}
