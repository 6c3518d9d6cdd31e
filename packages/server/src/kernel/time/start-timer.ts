/** Starts a one-shot timer of whole or fractional milliseconds; the returned function cancels it. */
export type StartTimer = (delayMs: number, fire: () => void) => () => void;

/** Longest delay that setTimeout takes; it fires at once for more. */
const maxDelayMs = 2 ** 31 - 1;

/** Fires early, never at once, for delays over 24 days. Rounds up, so that it never fires before its time. */
export const systemTimer: StartTimer = (delayMs, fire) => {
  const timer = setTimeout(fire, Math.min(Math.ceil(delayMs), maxDelayMs));
  return () => clearTimeout(timer);
};

/** As `systemTimer`, but does not keep the process alive. */
export const backgroundTimer: StartTimer = (delayMs, fire) => {
  const timer = setTimeout(fire, Math.min(Math.ceil(delayMs), maxDelayMs)).unref();
  return () => clearTimeout(timer);
};
