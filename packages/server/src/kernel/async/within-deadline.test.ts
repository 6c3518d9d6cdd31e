import { expect, it, vi } from 'vitest';
import { withinDeadline } from './within-deadline.ts';

const never = new AbortController().signal;

/** A timer that fires when told to. */
function manualTimer() {
  const timer = { fire: () => {}, isCancelled: false };
  const startTimer = (delayMs: number, fire: () => void) => {
    expect(delayMs).toBe(250);
    timer.fire = fire;
    return () => {
      timer.isCancelled = true;
    };
  };
  return { timer, deadline: { what: 'It failed', code: 'seriesUnavailable' as const, timeoutMs: 250, startTimer, signal: never } };
}

it('gives the result, or the error, and ends its timer', async () => {
  const { timer, deadline } = manualTimer();
  expect(await withinDeadline(deadline, async () => 7)).toBe(7);
  expect(timer.isCancelled).toBe(true);
  await expect(withinDeadline(deadline, async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

it('says when the time is up, and why the work was tried again, and tells the work', async () => {
  const { timer, deadline } = manualTimer();
  const onAbort = vi.fn();
  const working = withinDeadline(deadline, (signal, note) => {
    signal.addEventListener('abort', onAbort);
    note('status 503');
    return new Promise(() => {});
  });
  timer.fire();
  await expect(working).rejects.toMatchObject({
    code: 'seriesUnavailable',
    message: 'It failed: no answer in 250 ms; status 503.',
  });
  expect(onAbort).toHaveBeenCalledOnce();
});

it('rejects with the reason of the signal, also where it has aborted before', async () => {
  const { deadline } = manualTimer();
  const work = vi.fn(() => new Promise(() => {}));
  await expect(withinDeadline({ ...deadline, signal: AbortSignal.abort(new Error('early')) }, work)).rejects.toThrow('early');
  expect(work).not.toHaveBeenCalled();
  const abort = new AbortController();
  const working = withinDeadline({ ...deadline, signal: abort.signal }, work);
  abort.abort(new Error('enough'));
  await expect(working).rejects.toThrow('enough');
});
