import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PendingCalls } from '../../../kernel/async/pending-calls.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import {
  type AnswerTo,
  isAnswer,
  type UsageAnswer,
  type UsageCallName,
  type UsageCalls,
  type UsageWorkerMessage,
  type UsageWorkerOptions,
} from './usage-protocol.ts';

/** Questions and answers to the worker thread. When the worker dies, everything waiting and everything later is `usageUnavailable`. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #calls = new PendingCalls<UsageAnswer>();

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: UsageWorkerMessage) => this.#receive(message));
    worker.on('error', (error) => this.#die(`The usage worker failed: ${errorText(error)}.`));
    worker.on('exit', () => this.#die('The usage worker has ended.'));
  }

  /** `usageUnavailable` where the file cannot be opened, another process holds it, or a newer release wrote it. */
  static async open(options: UsageWorkerOptions): Promise<WorkerLink> {
    const worker = new Worker(new URL('./usage-worker.ts', import.meta.url), { workerData: options });
    const [first]: UsageWorkerMessage[] = await once(worker, 'message');
    if (first?.type === 'unusable') {
      await worker.terminate();
      throw new AppError('usageUnavailable', `The usage file ${options.file} cannot be opened: ${first.message}.`);
    }
    return new WorkerLink(worker);
  }

  /** No question is answered any more. */
  get hasEnded(): boolean {
    return this.#calls.hasEnded;
  }

  async ask<Name extends UsageCallName>(name: Name, input: UsageCalls[Name]['input']): Promise<AnswerTo<Name>> {
    const { id, answer: coming } = this.#calls.begin();
    this.#worker.postMessage({ id, question: { name, input } });
    const answer = await coming;
    if (!isAnswer(answer, name)) throw new AppError('invariantBroken', `The usage worker answered ${answer.name} to ${name}.`);
    return answer;
  }

  /** Waits for everything asked before, closes the file and joins the thread. */
  async close(): Promise<void> {
    if (this.hasEnded) return;
    const exited = once(this.#worker, 'exit');
    await this.ask('close', undefined);
    await exited;
  }

  #receive(message: UsageWorkerMessage): void {
    if (message.type === 'answer') this.#calls.answer(message.id, message.answer);
    if (message.type === 'failed') this.#calls.fail(message.id, new AppError(message.code, message.message));
  }

  #die(message: string): void {
    this.#calls.end(new AppError('usageUnavailable', message));
  }
}
