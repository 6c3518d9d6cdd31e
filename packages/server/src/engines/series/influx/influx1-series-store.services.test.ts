import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAnswer } from '../../../../test/support/services/expect-answer.ts';
import { influx1Service } from '../../../../test/support/services/influx1-service.ts';
import { openOwnService } from '../../../../test/support/services/own-service.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openSeriesStore } from '../registry.ts';
import type { SeriesConfig } from '../series-config.ts';
import { describeSeriesStore, point, type SeriesHarness } from '../series-store.conformance.ts';
import type { SeriesStore } from '../series-store.ts';

type InfluxConfig = Extract<SeriesConfig, { kind: 'influx' }>;

const never = new AbortController().signal;
const partition = { route: 'low', topicId: 'topic', partition: 0 };
const maxTimeMs = 9_223_372_036_853;

let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(influx1Service));
});

const configOf = (base: string, given: Partial<InfluxConfig> = {}): InfluxConfig => ({
  kind: 'influx',
  api: 'v1',
  url: base,
  bucket: `test_${randomUUID().slice(0, 8)}`,
  ...given,
});

const open = (config: InfluxConfig): Promise<SeriesStore> => openSeriesStore(config, { log: silentLogger });

async function query(base: string, q: string, db = ''): Promise<string> {
  const answer = await fetch(`${base}/query?${new URLSearchParams({ db, q, epoch: 'ns' })}`, { method: 'POST' });
  return answer.text();
}

async function openHarness(given: Partial<InfluxConfig>): Promise<SeriesHarness> {
  const config = configOf(url, given);
  let stores = [await open(config), await open(config)];
  await stores[0]!.ensureSchema(never);
  return {
    get store() {
      return stores[0]!;
    },
    get other() {
      return stores[1]!;
    },
    async reopen() {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      stores = [await open(config), await open(config)];
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      await query(url, `DROP DATABASE "${config.bucket}"`);
    },
  };
}

describeSeriesStore('influx 1', { exactlyOnce: 'identity', keepsAmountText: true, maxTimeMs }, () => openHarness({}));
describeSeriesStore('influx 1 with amounts as numbers', { exactlyOnce: 'identity', keepsAmountText: false, maxTimeMs }, () =>
  openHarness({ amountType: 'float' }),
);

describe('a series in InfluxDB 1', () => {
  it('writes the measurement as dashboards know it, with the text of the amount', async () => {
    const config = configOf(url);
    await using store = await open(config);
    await store.ensureSchema(never);
    const points = [{ offset: 1_000_042, timeMs: 1_795_232_693_264, amount: 4.377, amountText: '4.37714187186980200001' }];
    await store.write({ partition, from: 0, to: 2_000_000, points }, never);
    const { results } = JSON.parse(await query(url, 'SELECT * FROM event', config.bucket));
    expect(results[0].series).toEqual([
      {
        name: 'event',
        columns: ['time', 'amount', 'g', 'p', 't', 'value'],
        values: [[expect.any(Number), '4.37714187186980200001', '1', '0', expect.stringMatching(/^[0-9a-f]{8}$/), 4.377]],
      },
    ]);
    expect(await query(url, 'SELECT * FROM event', config.bucket)).toContain('1795232693264000042');
  });

  it('writes points without tags where that is asked for, and finds them again', async () => {
    const config = configOf(url, { tags: 'off' });
    await using store = await open(config);
    await store.ensureSchema(never);
    const points = [point(41, 1000, 1), point(42, 1000, 2)];
    await store.write({ partition, from: 0, to: 100, points }, never);
    await store.write({ partition, from: 0, to: 100, points }, never);
    await using tagged = await open(configOf(url, { bucket: config.bucket }));
    await tagged.write({ partition, from: 0, to: 100, points: [point(43, 1000, 3)] }, never);
    const offsets = { topicId: partition.topicId, partition: 0, window: { fromMs: 0, toMs: 2000 }, fromOffset: 0, toOffset: 100 };
    expect(await store.readOffsets(offsets, never)).toEqual([41, 42]);
    expect(await tagged.readOffsets(offsets, never)).toEqual([43]);
    expect(await store.countPoints(never)).toBe(3);
  });

  it('counts points of other writers of the measurement, and sums those that have a number', async () => {
    const config = configOf(url);
    await using store = await open(config);
    await store.ensureSchema(never);
    const lines = 'event offset=42i,amount="4.5" 1795232693265000000\nevent offset=42i,amount="1.5" 1795232693266000000\n';
    await fetch(`${url}/write?db=${config.bucket}`, { method: 'POST', body: lines });
    await store.write({ partition, from: 0, to: 1, points: [point(0, 1_795_232_693_265, 2)] }, never);
    const window = { fromMs: 1_795_232_693_000, toMs: 1_795_232_694_000 };
    const asked = { window, stepMs: 10_000 };
    const startMs = 1_795_232_690_000;
    expect(await store.readBuckets({ ...asked, fn: 'count' }, never)).toEqual([{ startMs, count: 3, value: 3 }]);
    expect(await store.readBuckets({ ...asked, fn: 'avg' }, never)).toEqual([{ startMs, count: 3, value: 2 }]);
  });

  it('tells points older than the retention as expired, by index, and stores the others', async () => {
    const config = configOf(url, { bucket: `test_${randomUUID().slice(0, 8)}/week` });
    const database = config.bucket.split('/')[0]!;
    await query(url, `CREATE DATABASE "${database}"`);
    await using store = await open(config);
    await expect(store.readRetention(never)).rejects.toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining('week') });
    await query(url, `CREATE RETENTION POLICY week ON "${database}" DURATION 7d REPLICATION 1`);
    expect(await store.readRetention(never)).toBe(7 * 86_400_000);
    const now = Date.now();
    const old = [3, 17, 4999, 5000, 6000];
    const points = Array.from({ length: 6001 }, (_, offset) => point(offset, old.includes(offset) ? 1000 : now, 1));
    const { outcome, ...rest } = await store.write({ partition, from: 0, to: 6001, points }, never);
    const text = expect.stringContaining('retention');
    expect({ outcome, ...rest }).toEqual({ outcome: 'stored', refused: old.map((index) => ({ index, reason: 'expired', text })) });
    expect(await store.countPoints(never)).toBe(6001 - old.length);
  });

  it('keeps all where its database does, and makes the database where it is missing', async () => {
    const config = configOf(url);
    await using store = await open(config);
    await expect(store.probe(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
    const batch = { partition, from: 0, to: 1, points: [point(0, 1000, 1)] };
    await expect(store.write(batch, never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringContaining('database not found'),
    });
    await expect(store.countPoints(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
    await store.ensureSchema(never);
    await store.probe(never);
    expect(await store.readRetention(never)).toBeUndefined();
  });

  it('gives no point up for a field of another type', async () => {
    const config = configOf(url);
    await using store = await open(config);
    await store.ensureSchema(never);
    await store.write({ partition, from: 0, to: 1, points: [point(0, 1000, 1)] }, never);
    await using other = await open({ ...config, amountType: 'float' });
    const writing = other.write({ partition, from: 1, to: 2, points: [point(1, 1000, 1)] }, never);
    await expect(writing).rejects.toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining('conflict') });
  });

  it('tells points by index that are too late or too old for it, and stores the others', async () => {
    const config = configOf(url);
    await query(url, `CREATE DATABASE "${config.bucket}" WITH DURATION 7d`);
    await using store = await open(config);
    const now = Date.now();
    const points = [now, maxTimeMs + 1, 1000, 8.64e15, now].map((timeMs, offset) => point(offset, timeMs, 1));
    const { outcome, ...rest } = await store.write({ partition, from: 0, to: 5, points }, never);
    const late = { reason: 'rejected', text: expect.stringContaining('2262') };
    const old = { index: 2, reason: 'expired', text: expect.stringContaining('retention') };
    expect({ outcome, ...rest }).toEqual({ outcome: 'stored', refused: [{ index: 1, ...late }, old, { index: 3, ...late }] });
    expect(await store.countPoints(never)).toBe(2);
  });

  it('logs in where the server wants that', async () => {
    await using server = await openOwnService({
      ...influx1Service,
      settings: (at) =>
        Object.fromEntries(Object.entries(influx1Service.settings(at)).map(([file, text]) => [file, `${text}  auth-enabled = true\n`])),
      async probe({ port }) {
        await expectAnswer(`http://127.0.0.1:${port}/ping`);
      },
    });
    await query(server.address.url, `CREATE USER admin WITH PASSWORD 'pass:word' WITH ALL PRIVILEGES`);
    await using store = await open(configOf(server.address.url, { token: 'admin:pass:word' }));
    await store.ensureSchema(never);
    await store.write({ partition, from: 0, to: 1, points: [point(0, 1000, 1)] }, never);
    expect(await store.countPoints(never)).toBe(1);
    await using stranger = await open(configOf(server.address.url, { token: 'admin:guessed' }));
    await expect(stranger.probe(never)).rejects.toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining('401') });
  });

  it('goes on with a batch while the server is away, and loses and doubles nothing when it is killed', async () => {
    await using server = await openOwnService(influx1Service);
    await using store = await open(configOf(server.address.url));
    await store.ensureSchema(never);
    const points = Array.from({ length: 20_000 }, (_, offset) => point(offset, offset % 10, 1));
    await server.kill();
    const writing = store.write({ partition, from: 0, to: 20_000, points }, never);
    await server.start();
    expect(await writing).toEqual({ outcome: 'stored', refused: [] });
    await server.kill();
    await server.start();
    expect(await store.countPoints(never)).toBe(20_000);
    await server.kill();
    await expect(store.countPoints(never)).rejects.toMatchObject({
      code: 'seriesUnavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
