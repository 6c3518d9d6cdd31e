/** Passes the caller's chunks on and remembers a failure of theirs, which is to reach the caller unchanged. */
export class ContentSource implements AsyncIterable<Uint8Array> {
  readonly #content: AsyncIterable<Uint8Array>;
  failure: { readonly reason: unknown } | undefined;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#content;
    } catch (reason) {
      this.failure = { reason };
      throw reason;
    }
  }
}
