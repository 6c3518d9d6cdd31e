import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import type { NoteFailure } from '../../../kernel/async/within-deadline.ts';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { RefusedPoint } from '../series-store.ts';
import { type Refusal, storeByHalves } from '../store-by-halves.ts';
import { type InfluxClient, refused, sentenceOf, statusText } from './influx-client.ts';

export interface InfluxWriterOptions {
  readonly client: InfluxClient;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
}

const linesPerRequest = 5000;
const repeat = { initialMs: 100, maxMs: 10_000 };
const compress = promisify(gzip);

interface Attempt {
  readonly signal: AbortSignal;
  readonly note: NoteFailure;
}

/** Writes lines until the server has them all, or refuses some for good, or the signal aborts. */
export class InfluxWriter {
  readonly #options: InfluxWriterOptions;

  constructor(options: InfluxWriterOptions) {
    this.#options = options;
  }

  async write(lines: readonly string[], attempt: Attempt): Promise<RefusedPoint[]> {
    const refusedPoints: RefusedPoint[] = [];
    for (let start = 0; start < lines.length; start += linesPerRequest) {
      const some = lines.slice(start, start + linesPerRequest);
      const refusedOnes = await storeByHalves(some.length, (from, to) => this.#post(some.slice(from, to), attempt));
      for (const { index, ...refusal } of refusedOnes) refusedPoints.push({ index: start + index, ...refusal });
    }
    return refusedPoints;
  }

  /** A refusal says nothing of single lines: 1.x has written the good ones then, 2.x has not, and neither names the bad one. */
  async #post(lines: readonly string[], { signal, note }: Attempt): Promise<Refusal | undefined> {
    const { client, path, parameters, startTimer, clock, random } = this.#options;
    const body = await compress(lines.join('\n'), { level: 1 });
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Encoding': 'gzip' };
    const backoff = new Backoff({ ...repeat, clock, random });
    for (;;) {
      let leastWaitMs = 0;
      try {
        const answer = await client.request({ method: 'POST', path, parameters, headers, body, signal });
        if (answer.status === 200 || answer.status === 204) return undefined;
        const refusal = refusalOf(answer);
        if (refusal !== undefined) return refusal;
        const error = refused(answer);
        if (error.disposition !== 'retry') throw error;
        note(statusText(answer));
        leastWaitMs = retryAfterMs(answer.retryAfter, clock);
      } catch (error) {
        signal.throwIfAborted();
        if (!isAppError(error, 'seriesUnavailable')) throw error;
        note(errorText(error));
      }
      if (!(await sleep(Math.max(leastWaitMs, backoff.next()), signal, startTimer))) throw signal.reason;
    }
  }
}

/** Why the lines are refused; undefined where something else than the lines is wrong. */
function refusalOf({ status, text }: { readonly status: number; readonly text: string }): Refusal | undefined {
  if (status !== 400 && status !== 413 && status !== 422) return undefined;
  const sentence = sentenceOf(text);
  if (/field type conflict/i.test(sentence)) {
    // It is every line, not this one: none of them must be given up for it.
    const advice = 'the measurement has a field of another type: set the type of amounts as it has them, or write to another bucket';
    throw new AppError('seriesMismatch', `InfluxDB refuses the points, ${advice} (${sentence}).`);
  }
  return { reason: /retention/i.test(sentence) ? 'expired' : 'rejected', text: sentence };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null, clock: Clock): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
