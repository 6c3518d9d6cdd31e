import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

interface PostEventsOptions {
  readonly url: string;
  /** JSON texts, one for each request. */
  readonly events: readonly string[];
  readonly connections: number;
  readonly onAcknowledged: (count: number) => void;
  /** Before an event that is surely not stored is sent again. */
  readonly retryPauseMs?: number;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly stored: string | undefined;
  readonly body: string;
}

const maxAttempts = 10;

/**
 * Posts every event once, over connections that are kept, and resolves to the number of events that were acknowledged.
 * An event that is surely not stored (503, `X-Sluice-Stored: none`) is sent again; every other refusal rejects.
 */
export async function postEvents({
  url,
  events,
  connections,
  onAcknowledged,
  retryPauseMs = 1000,
  signal,
}: PostEventsOptions): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const queue = events.values();
  let acknowledged = 0;
  const work = async () => {
    for (const event of queue) {
      await postOne(event, { url, agent, retryPauseMs, signal: stop });
      acknowledged += 1;
      onAcknowledged(acknowledged);
    }
  };
  try {
    await Promise.all(
      Array.from({ length: connections }, () =>
        work().catch((error: unknown) => {
          failure.abort(error);
          throw error;
        }),
      ),
    );
  } finally {
    agent.destroy();
  }
  return acknowledged;
}

interface PostOptions {
  readonly url: string;
  readonly agent: Agent;
  readonly retryPauseMs: number;
  readonly signal: AbortSignal;
}

async function postOne(event: string, options: PostOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { status, stored, body } = await send(event, options);
    if (status === 200 && body === 'OK') return;
    const again = status === 503 && stored === 'none' && attempt < maxAttempts;
    if (!again) throw new Error(`an event was not acknowledged: status ${status}, ${body.trim()}`);
    await sleep(options.retryPauseMs, undefined, { signal: options.signal });
  }
}

async function send(event: string, { url, agent, signal }: PostOptions): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(event) };
  const outgoing = request(url, { method: 'POST', agent, signal, headers });
  outgoing.end(event);
  const [response] = await once(outgoing, 'response');
  const body = await text(response);
  return { status: response.statusCode, stored: response.headers['x-sluice-stored'], body };
}
