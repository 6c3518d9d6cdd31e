import { once } from 'node:events';
import { type Transferable, Worker } from 'node:worker_threads';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import {
  isAnswer,
  type StoreOptions,
  type TopicState,
  type WorkerAnswer,
  type WorkerMessage,
  type WorkerQuestion,
  type WorkerRequest,
} from './log-protocol.ts';

interface Waiting {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: AppError) => void;
}

interface OpenedLink {
  readonly link: WorkerLink;
  readonly topics: readonly TopicState[];
}

/** Questions and answers to the worker thread. Once the worker has ended everything is `logUnavailable`; writes under way are `logInDoubt`. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onEnd: (error: AppError) => void;
  #nextId = 1;
  #end: AppError | undefined;

  private constructor(worker: Worker, onEnd: (error: AppError) => void) {
    this.#worker = worker;
    this.#onEnd = onEnd;
    worker.on('message', (message: WorkerMessage) => this.#receive(message));
    worker.on('error', (error) => this.#die(`The worker of the log failed: ${errorText(error)}; restart the service.`));
    worker.on('exit', () => this.#die('The log is closed.'));
  }

  static async open(options: StoreOptions, onEnd: (error: AppError) => void): Promise<OpenedLink> {
    const worker = new Worker(new URL('./log-worker.ts', import.meta.url), { workerData: options });
    const [first]: WorkerMessage[] = await once(worker, 'message');
    if (first?.type === 'ready') return { link: new WorkerLink(worker, onEnd), topics: first.topics };
    await worker.terminate();
    if (first?.type !== 'unusable') throw new AppError('invariantBroken', 'The worker of the log did not say that it is ready.');
    if (first.code !== 'logUnavailable') throw new AppError(first.code, first.message);
    throw new AppError('logUnavailable', `The log in ${options.folder} cannot be opened: ${first.message}.`);
  }

  async ask<Question extends WorkerQuestion>(
    question: Question,
    transfers: Transferable[] = [],
  ): Promise<Extract<WorkerAnswer, { type: Question['type'] }>> {
    if (this.#end !== undefined) throw this.#end;
    const { promise, resolve, reject } = Promise.withResolvers<WorkerAnswer>();
    const request: WorkerRequest = { id: this.#nextId++, question };
    this.#waiting.set(request.id, { resolve, reject });
    this.#worker.postMessage(request, transfers);
    const answer = await promise;
    const type: Question['type'] = question.type;
    if (!isAnswer(answer, type))
      throw new AppError('invariantBroken', `The worker of the log answered ${answer.type} to ${question.type}.`);
    return answer;
  }

  /** Waits for everything asked before, closes the files and joins the thread. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const exited = once(this.#worker, 'exit');
    await this.ask({ type: 'close' });
    await exited;
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'answer':
        this.#take(message.id)?.resolve(message.answer);
        return;
      case 'failed':
        this.#take(message.id)?.reject(new AppError(message.code, message.message));
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
    this.#end = new AppError('logUnavailable', message);
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
    this.#onEnd(this.#end);
  }
}
