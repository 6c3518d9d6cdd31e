import type { Part } from './part.ts';

/**
 * A part that works from now on, before the process runs: others need it for their own start.
 * Its failure is told once the process runs it.
 */
export function startPart(name: string, run: (signal: AbortSignal) => Promise<void>): Part {
  const controller = new AbortController();
  const ended = Promise.try(() => run(controller.signal));
  ended.catch(() => undefined);
  return {
    name,
    run: async (signal) => {
      const abort = () => controller.abort(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      await ended;
    },
  };
}
