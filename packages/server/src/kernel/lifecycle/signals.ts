const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** The part of `process` that is needed here. */
interface SignalSource {
  on(event: (typeof stopSignals)[number], listener: () => void): unknown;
  off(event: (typeof stopSignals)[number], listener: () => void): unknown;
}

interface StopSignals extends Disposable {
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
}

/** The first signal asks for a graceful stop, the second one calls `forceExit`, which must not return. */
export function listenForStopSignals(source: SignalSource, forceExit: () => void): StopSignals {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) forceExit();
    else controller.abort();
  };
  for (const name of stopSignals) source.on(name, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of stopSignals) source.off(name, listener);
    },
  };
}
