import { type EventError, ingestAnswerSchema } from '@sluice/contract/event';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Batch } from './batch-journal.ts';

interface PostOptions {
  readonly url: string;
  /** A JSON array, or a text with an event on each line. */
  readonly form: 'json' | 'text';
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type PostOutcome =
  /** Those that were refused will always be. */
  | { readonly type: 'accepted'; readonly refused: readonly EventError[] }
  /** None of the events was taken, because at least one of them cannot be, or they are too many. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Whatever became of them, they are sent again. */
  | { readonly type: 'failed'; readonly reason: string; readonly retryAfterMs: number };

/** Statuses that are about the events themselves. */
const refusals = new Set([400, 413, 422]);
const shownLength = 200;

/** Sends a batch once. Never rejects. */
export async function postBatch({ key, events }: Batch, { url, form, timeoutMs, signal }: PostOptions): Promise<PostOutcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': form === 'json' ? 'application/json' : 'application/text', 'Idempotency-Key': key },
      body: form === 'json' ? `[${events.join(',')}]` : events.join('\n'),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await response.text();
    if (response.status < 400) return { type: 'accepted', refused: refusedEvents(text) };
    const reason = `${response.status} ${text.trim().slice(0, shownLength)}`;
    if (refusals.has(response.status)) return { type: 'refused', reason };
    return { type: 'failed', reason, retryAfterMs: 1000 * Number(response.headers.get('retry-after') ?? 0) || 0 };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { type: 'failed', reason: errorText(error) + cause, retryAfterMs: 0 };
  }
}

/** Of an API that takes the others; a body that is none of its answers tells of none. */
function refusedEvents(text: string): readonly EventError[] {
  try {
    return ingestAnswerSchema.safeParse(JSON.parse(text)).data?.errors ?? [];
  } catch {
    return [];
  }
}
