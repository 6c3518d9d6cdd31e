import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EventLane, type LaneEngines, prepareEngines, removeEngines } from '../support/lane/event-lane.ts';
import type { LaneProcess } from '../support/lane/lane-process.ts';
import { influxEvents, postgresEvents } from '../support/lane/stored-events.ts';
import { influx1Service } from '../support/services/influx1-service.ts';
import { type OwnService, openOwnService } from '../support/services/own-service.ts';
import { postgresService } from '../support/services/postgres-service.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const answerSchema = z.object({
  message: z.string(),
  points: z.array(z.object({ time: z.int(), count: z.int(), type: z.enum(['low', 'high']) })),
  errors: z.array(z.object({ type: z.string(), code: z.string(), message: z.string() })).optional(),
});

const watermark = 5;
const perRoute = 40;

/** PostgreSQL answers by its children. */
async function signalAll(pid: number, signal: NodeJS.Signals): Promise<void> {
  process.kill(pid, signal);
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.split(' ').filter((text) => text !== '')) process.kill(Number(child), signal);
}

describe.each(['high', 'low'] as const)('the store of the %s events is away', (away) => {
  const present = away === 'high' ? 'low' : 'high';
  let stack: AsyncDisposableStack;
  let store: OwnService<{ readonly url: string }>;
  let engines: LaneEngines;
  let api: LaneProcess;
  let aggregator: LaneProcess;
  let sent = 0;
  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const shared = await prepareEngines();
    stack.defer(() => removeEngines(shared));
    if (away === 'high') store = stack.use(await openOwnService(postgresService));
    else store = stack.use(await openOwnService(influx1Service));
    engines = { ...shared, ...(away === 'high' ? { postgresUrl: store.address.url } : { influxUrl: store.address.url }) };
    const folder = stack.use(await openTempFolder());
    const lane = new EventLane({ engines, folder: folder.path, partitions: 2 });
    api = stack.use(await lane.api());
    aggregator = stack.use(await lane.aggregator());
    const consumers = [stack.use(await lane.consumerHigh('high')), stack.use(await lane.consumerLow('low'))];
    await api.start();
    await Promise.all([...consumers, aggregator].map((process) => process.start()));
  });
  afterAll(() => stack.disposeAsync());

  /** Half of them for each route, at a time in the past that is complete. */
  async function send(): Promise<void> {
    const time = Date.now() - 60_000;
    const events = Array.from({ length: 2 * perRoute }, (_, at) => ({ time: time + at, amount: at % 2 === 0 ? watermark : watermark + 1 }));
    const answer = await fetch(api.urls['event-api'] ?? '', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(answer.status).toBe(200);
    sent += perRoute;
  }

  const stored = async (route: 'high' | 'low'): Promise<number> => {
    const events = route === 'high' ? postgresEvents(engines.postgresUrl) : influxEvents(engines.influxUrl, engines.influxDatabase);
    const rows = await events;
    return new Set(rows.map(({ partition, offset }) => `${partition}/${offset}`)).size === rows.length ? rows.length : Number.NaN;
  };
  const storedAll = (route: 'high' | 'low') =>
    waitFor(
      () => stored(route),
      (count) => count === sent,
    );

  /** What `/api` says, and how many events it shows of a route. */
  async function ask() {
    const answer = await fetch(`${aggregator.urls['aggregator']}/api`, { signal: AbortSignal.timeout(15_000) });
    const { message, points, errors = [] } = answerSchema.parse(await answer.json());
    const count = (route: string) => points.filter(({ type }) => type === route).reduce((sum, point) => sum + point.count, 0);
    return { status: answer.status, message, high: count('high'), low: count('low'), missing: errors.map(({ type }) => type) };
  }
  const answered = (isWanted: (answer: Awaited<ReturnType<typeof ask>>) => boolean) => waitFor(ask, isWanted);

  it('both are there at first', async () => {
    await send();
    expect(await storedAll('high')).toBe(sent);
    expect(await storedAll('low')).toBe(sent);
    const answer = await answered(({ high, low }) => high + low === 2 * sent);
    expect(answer).toEqual({ status: 200, message: 'ok', high: sent, low: sent, missing: [] });
  });

  it('while it is frozen, /api answers without it and says so', async () => {
    await signalAll(store.pid(), 'SIGSTOP');
    try {
      const answer = await answered(({ message }) => message !== 'ok');
      expect(answer).toEqual({ status: 200, message: 'partial', high: 0, low: 0, missing: [away], [present]: sent });
    } finally {
      await signalAll(store.pid(), 'SIGCONT');
    }
  });

  it('while it is dead, /api says so, and the other lane goes on', async () => {
    await store.kill();
    await send();
    expect(await storedAll(present)).toBe(sent);
    const answer = await answered((found) => found.message !== 'ok' && found[present] === sent);
    expect(answer).toEqual({ status: 200, message: 'partial', high: 0, low: 0, missing: [away], [present]: sent });
  });

  it('when it is back, nothing is missing', async () => {
    await store.start();
    expect(await storedAll(away)).toBe(sent);
    const answer = await answered(({ high, low }) => high + low === 2 * sent);
    expect(answer).toEqual({ status: 200, message: 'ok', high: sent, low: sent, missing: [] });
  });
});
