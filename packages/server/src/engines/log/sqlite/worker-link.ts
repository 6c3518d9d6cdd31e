import { once } from 'node:events';
import { type Transferable, Worker } from 'node:worker_threads';
import { PendingCalls } from '../../../kernel/async/pending-calls.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import {
  isAnswer,
  type StoreOptions,
  type WorkerAnswer,
  type WorkerMessage,
  type WorkerQuestion,
  type WorkerRequest,
} from './log-protocol.ts';

/** Questions and answers to the worker thread. Once the worker has ended everything is `logUnavailable`; writes under way are `logInDoubt`. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #calls = new PendingCalls<WorkerAnswer>();
  readonly #onEnd: () => void;

  private constructor(worker: Worker, onEnd: () => void) {
    this.#worker = worker;
    this.#onEnd = onEnd;
    worker.on('message', (message: WorkerMessage) => this.#receive(message));
    worker.on('error', (error) => this.#die(`The worker of the log failed: ${errorText(error)}; restart the service.`));
    worker.on('exit', () => this.#die('The log is closed.'));
  }

  static async open(options: StoreOptions, onEnd: () => void): Promise<WorkerLink> {
    const worker = new Worker(new URL('./log-worker.ts', import.meta.url), { workerData: options });
    const [first]: WorkerMessage[] = await once(worker, 'message');
    if (first?.type === 'ready') return new WorkerLink(worker, onEnd);
    await worker.terminate();
    if (first?.type === 'unusable') throw new AppError(first.code, first.message);
    throw new AppError('invariantBroken', 'The worker of the log did not say that it is ready.');
  }

  async ask<Question extends WorkerQuestion>(
    question: Question,
    transfers: Transferable[] = [],
  ): Promise<Extract<WorkerAnswer, { type: Question['type'] }>> {
    const { id, answer: coming } = this.#calls.begin();
    const request: WorkerRequest = { id, question };
    this.#worker.postMessage(request, transfers);
    const answer = await coming;
    const type: Question['type'] = question.type;
    if (!isAnswer(answer, type))
      throw new AppError('invariantBroken', `The worker of the log answered ${answer.type} to ${question.type}.`);
    return answer;
  }

  /** Waits for everything asked before, closes the files and joins the thread. */
  async close(): Promise<void> {
    if (this.#calls.hasEnded) return;
    const exited = once(this.#worker, 'exit');
    await this.ask({ type: 'close' });
    await exited;
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'answer':
        this.#calls.answer(message.id, message.answer);
        return;
      case 'failed':
        this.#calls.fail(message.id, new AppError(message.code, message.message));
        return;
      case 'ready':
      case 'unusable':
        return;
    }
  }

  #die(message: string): void {
    if (this.#calls.hasEnded) return;
    this.#calls.end(new AppError('logUnavailable', message));
    this.#onEnd();
  }
}
