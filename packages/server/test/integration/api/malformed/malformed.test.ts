import { errorBodySchema } from '@sluice/contract/error-body';
import { expect, test } from 'vitest';
import { ApiHarness } from '../../../support/api-harness.ts';
import { type RawAnswer, RawConnection } from '../../../support/raw-http.ts';
import { derivedSeed, SeededRandom } from '../../../support/seeded-random.ts';
import { malformedBytes } from './malformed-bytes.ts';
import { base, malformedRequest } from './malformed-requests.ts';

/**
 * 10,000 requests that are wrong in some way: each is answered by a status from 400 to 499 with the body of an error, and none changes
 * anything. `SEED=n` makes the same ones again.
 */
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const requests = 9000;
const connections = 1000;
const atOnce = 50;
/** As in production, but a hundredth of it: headers within 10 s, a request within 30 s, its answer within 33 s, a look every second. */
const times = { headersMs: 100, requestMs: 300, answerMs: 330, lookMs: 10 };
const longestMs = 35_000 / 10;

async function openApi(options: Parameters<typeof ApiHarness.open>[0] = {}): Promise<ApiHarness> {
  const api = await ApiHarness.open(options);
  const columns = [{ type: 'path', name: 'no', path: 'order.no' }];
  await api.create(`${base}/sources`, { type: 'http', name: 's' });
  await api.create(`${base}/sources/s/sinks`, {
    type: 'table',
    name: 'k',
    table: { type: 'keboola', tableId: 'in.c-b.k', mapping: { columns } },
  });
  return api;
}

test(`${requests} malformed requests are refused, and change nothing`, async () => {
  console.log(`malformed requests seed=${seed}`);
  await using api = await openApi();
  const revision = await api.store.revision();
  const random = new SeededRandom(seed);
  const wrong: string[] = [];
  const reasons = new Map<string, number>();
  for (let number = 0; number < requests && wrong.length < 10; number += 1) {
    const request = malformedRequest(random, { admin: api.token, reader: api.readToken });
    const { why, ...sent } = request;
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
    // The harness compares the body with the contract.
    const status = await api.inject(sent).then(
      ({ statusCode }) => statusCode,
      (error: unknown) => String(error),
    );
    const isRefused = typeof status === 'number' && status >= 400 && status < 500;
    if (!isRefused)
      wrong.push(`${number} ${why}: ${sent.method} ${sent.url.slice(0, 200)} ${sent.payload?.toString('latin1', 0, 300)} -> ${status}`);
  }
  expect(wrong, `SEED=${seed}`).toEqual([]);
  expect(reasons.size, 'every way of being wrong came').toBeGreaterThan(25);
  expect(await api.store.revision()).toBe(revision);
});

interface Exchange {
  readonly why: string;
  readonly answer: RawAnswer | undefined | 'too late';
}

async function exchange(url: string, { why, bytes }: ReturnType<typeof malformedBytes>): Promise<Exchange> {
  await using connection = await RawConnection.open(url);
  const late = Promise.withResolvers<'too late'>();
  const timer = setTimeout(() => late.resolve('too late'), longestMs);
  connection.write(bytes);
  const answer = await Promise.race([connection.answer(), late.promise]);
  clearTimeout(timer);
  return { why, answer };
}

function problemOf({ answer }: Exchange): string | undefined {
  if (answer === undefined) return 'has no answer';
  if (answer === 'too late') return 'is still open';
  if (answer.status < 400 || answer.status > 499) return `is answered with ${answer.status}`;
  const body = errorBodySchema.safeParse(JSON.parse(answer.body || 'null')).data;
  return body?.statusCode === answer.status ? undefined : `has no error in its answer: ${answer.body}`;
}

test(`${connections} connections with malformed bytes are answered, and none stays open`, async () => {
  console.log(`malformed bytes seed=${seed}`);
  await using api = await openApi({ times });
  const url = await api.listen();
  const revision = await api.store.revision();
  const random = new SeededRandom(derivedSeed(seed, 1));
  const plan = Array.from({ length: connections }, () => malformedBytes(random, api.token)).entries();
  const wrong: string[] = [];
  const client = async () => {
    for (const [number, malformed] of plan) {
      const problem = problemOf(await exchange(url, malformed));
      if (problem !== undefined) wrong.push(`${number} ${malformed.why} ${problem}: ${malformed.bytes.toString('latin1', 0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  expect(wrong.slice(0, 10), `SEED=${seed}`).toEqual([]);
  expect(await api.store.revision()).toBe(revision);
  expect((await fetch(`${url}/health-check`)).status).toBe(200);
});
