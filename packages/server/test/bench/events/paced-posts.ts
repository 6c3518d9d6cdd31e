import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

interface PacedOptions {
  readonly url: string;
  readonly body: (post: number) => string;
  readonly perSecond: number;
  readonly seconds: number;
}

interface PacedResult {
  readonly posts: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Posts at fixed moments, whether the ones before are answered or not, and times each from the moment at which it was due: a service
 * that halts for a while is charged for all that would have come meanwhile. Rejects where an answer is not 200.
 */
export async function postPaced({ url, body, perSecond, seconds }: PacedOptions): Promise<PacedResult> {
  const agent = new Agent({ keepAlive: true });
  const latencies: number[] = [];
  const posts: Promise<void>[] = [];
  const startedAt = performance.now();
  try {
    for (let post = 0; post < perSecond * seconds; post += 1) {
      const dueAt = startedAt + (post * 1000) / perSecond;
      const earlyMs = dueAt - performance.now();
      if (earlyMs > 0) await sleep(earlyMs);
      posts.push(
        postOne(url, { agent, body: body(post) }).then(() => {
          latencies.push(performance.now() - dueAt);
        }),
      );
    }
    await Promise.all(posts);
  } finally {
    agent.destroy();
  }
  latencies.sort((one, other) => one - other);
  const quantile = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  return { posts: latencies.length, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function postOne(url: string, { agent, body }: { readonly agent: Agent; readonly body: string }): Promise<void> {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const outgoing = request(url, { method: 'POST', agent, headers });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const text = (await response.setEncoding('utf8').toArray()).join('');
  if (response.statusCode !== 200) throw new Error(`a post was answered with ${response.statusCode}: ${text.slice(0, 300)}`);
}
