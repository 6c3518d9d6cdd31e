import type { Transferable } from 'node:worker_threads';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import { answerTo, refusalOf } from './answer-question.ts';
import { isAnswer, type StoreOptions, type TopicState, type WorkerAnswer, type WorkerQuestion } from './log-protocol.ts';
import { LogStore } from './log-store.ts';
import { WorkerLink } from './worker-link.ts';

interface OpenedLink {
  readonly link: LogLink;
  readonly topics: readonly TopicState[];
}

/**
 * Questions and answers to the store of the log. It is in this thread while there are no events: what a start asks is small, and another
 * thread takes 20 MB. From the first append of events on, and from the start where there are some, it is in a worker, because every commit
 * waits for the disk. Answers come in the order of the questions.
 */
export class LogLink {
  readonly #options: StoreOptions;
  readonly #onEnd: () => void;
  /** While it is in this thread. */
  #store: LogStore | undefined;
  #worker: Promise<WorkerLink> | undefined;

  private constructor(options: StoreOptions, { store, onEnd }: { readonly store: LogStore; readonly onEnd: () => void }) {
    this.#options = options;
    this.#store = store;
    this.#onEnd = onEnd;
  }

  /** `onEnd` is called when the worker dies. */
  static async open(options: StoreOptions, onEnd: () => void): Promise<OpenedLink> {
    const store = openStore(options);
    const link = new LogLink(options, { store, onEnd });
    const topics = store.states();
    if (store.hasEvents) await link.#toWorker();
    return { link, topics };
  }

  /** Once the worker has ended everything is `logUnavailable`. */
  async ask<Question extends WorkerQuestion>(
    question: Question,
    transfers: Transferable[] = [],
  ): Promise<Extract<WorkerAnswer, { type: Question['type'] }>> {
    if (!this.#store || bringsEvents(question, this.#store)) return await (await this.#toWorker()).ask(question, transfers);
    const type: Question['type'] = question.type;
    try {
      const answer = answerTo(question, this.#store);
      if (isAnswer(answer, type)) return answer;
    } catch (error) {
      throw refusalOf(error);
    }
    throw new AppError('invariantBroken', `The log did not answer to ${type}.`);
  }

  /** Waits for everything asked before, closes the files and joins the thread. */
  async close(): Promise<void> {
    this.#store?.[Symbol.dispose]();
    // One that could not be started has nothing to close.
    const worker = await this.#worker?.catch(() => undefined);
    await worker?.close();
  }

  #toWorker(): Promise<WorkerLink> {
    this.#store?.[Symbol.dispose]();
    this.#store = undefined;
    this.#worker ??= WorkerLink.open(this.#options, this.#onEnd);
    return this.#worker;
  }
}

/** Commits move behind events, too. */
function bringsEvents(question: WorkerQuestion, store: LogStore): boolean {
  if (question.type !== 'write') return false;
  return question.commits.length > 0 || question.appends.some(({ topicId }) => !store.isCompacted(topicId));
}

function openStore(options: StoreOptions): LogStore {
  try {
    return new LogStore(options);
  } catch (error) {
    if (isAppError(error)) throw error;
    throw new AppError('logUnavailable', `The log in ${options.folder} cannot be opened: ${errorText(error)}.`, { cause: error });
  }
}
