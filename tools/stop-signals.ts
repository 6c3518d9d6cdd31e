const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C or SIGTERM may come twice: to the process group, and through make. */
const sameSignalMs = 500;

/** Calls the listener at every Ctrl-C, SIGTERM and hang-up, instead of the process ending at once. */
export function onStopSignal(listener: () => void): void {
  let lastAt = Number.NEGATIVE_INFINITY;
  const heard = () => {
    const now = performance.now();
    const isEcho = now - lastAt < sameSignalMs;
    lastAt = now;
    if (!isEcho) listener();
  };
  for (const name of names) process.on(name, heard);
}
