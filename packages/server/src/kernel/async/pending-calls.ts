import type { AppError } from '../errors/app-error.ts';

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: AppError) => void;
}

interface PendingCall<Answer> {
  /** To be sent with the question; the answer comes back under it. */
  readonly id: number;
  readonly answer: Promise<Answer>;
}

/** Questions to another thread or process that are not answered yet. Once that has ended they are all rejected, and so is every later one. */
export class PendingCalls<Answer> {
  readonly #pending = new Map<number, Pending<Answer>>();
  #nextId = 1;
  #end: AppError | undefined;

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Throws the reason of the end. */
  begin(): PendingCall<Answer> {
    if (this.#end !== undefined) throw this.#end;
    const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
    const id = this.#nextId++;
    this.#pending.set(id, { resolve, reject });
    return { id, answer };
  }

  /** An id that nobody waits for is passed over. */
  answer(id: number, answer: Answer): void {
    this.#take(id)?.resolve(answer);
  }

  fail(id: number, error: AppError): void {
    this.#take(id)?.reject(error);
  }

  /** The first reason holds. */
  end(error: AppError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #take(id: number): Pending<Answer> | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
