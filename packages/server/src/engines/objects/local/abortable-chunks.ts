/** The chunks of the content until the signal aborts; then throws its reason at once, also while the content is silent. */
export async function* abortableChunks(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = content[Symbol.asyncIterator]();
  let isDone = false;
  let rejectNext: (reason: unknown) => void = () => {};
  const onAbort = (): void => rejectNext(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        rejectNext = reject;
        chunks.next().then(resolve, reject);
      });
      if (next.done) {
        isDone = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a generator that hangs in a read would hold the caller for ever.
    if (!isDone) chunks.return?.().catch(() => {});
  }
}
