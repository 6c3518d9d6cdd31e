import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Influx2Double } from '../../../../test/support/influx2/influx2-double.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { makeCertificate } from '../../../../test/support/test-certificate.ts';
import { TestClock } from '../../../../test/support/test-clock.ts';
import { openSeriesStore } from '../registry.ts';
import type { SeriesConfig } from '../series-config.ts';
import { describeSeriesStore, point, type SeriesHarness } from '../series-store.conformance.ts';

type InfluxConfig = Extract<SeriesConfig, { kind: 'influx' }>;

const never = new AbortController().signal;
const partition = { route: 'low', topicId: 'topic', partition: 0 };
const maxTimeMs = 9_223_372_036_853;
const place = { org: 'in "fluxdata"', bucket: 'my bucket', token: 'secret-token' };
const now = Date.now();

const configOf = ({ url }: Influx2Double, given: Partial<InfluxConfig> = {}): InfluxConfig => ({
  kind: 'influx',
  api: 'v2',
  url: `${url}/`,
  ...place,
  ...given,
});

const open = (config: InfluxConfig) => openSeriesStore(config, { log: silentLogger });

async function openHarness(): Promise<SeriesHarness> {
  const double = await Influx2Double.open(place);
  let stores = [await open(configOf(double)), await open(configOf(double))];
  const close = () => Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
  return {
    get store() {
      return stores[0]!;
    },
    get other() {
      return stores[1]!;
    },
    async reopen() {
      await close();
      stores = [await open(configOf(double)), await open(configOf(double))];
    },
    async [Symbol.asyncDispose]() {
      await close();
      await double[Symbol.asyncDispose]();
    },
  };
}

describeSeriesStore('influx 2', { exactlyOnce: 'identity', keepsAmountText: true, maxTimeMs }, openHarness);

describe('a series in InfluxDB 2', () => {
  const batchOf = (length: number) => ({
    partition,
    from: 0,
    to: length,
    points: Array.from({ length }, (_, offset) => point(offset, now, 1)),
  });

  it('sends packed requests of at most 5,000 lines with the token', async () => {
    await using double = await Influx2Double.open(place);
    await using store = await open(configOf(double));
    await store.write(batchOf(10_001), never);
    expect(double.writes.map(({ lines }) => lines.length)).toEqual([5000, 5000, 1]);
    for (const { headers } of double.writes) {
      expect(headers).toMatchObject({ authorization: 'Token secret-token', 'content-encoding': 'gzip' });
    }
  });

  it('writes points without tags where they stay apart, finds them again, and takes no others', async () => {
    await using double = await Influx2Double.open(place);
    await using tagged = await open(configOf(double));
    await using store = await open(configOf(double, { tags: 'off' }));
    const points = [point(7, now, 1), point(8, now, 2), point(999_999, now, 3)];
    await store.write({ partition, from: 0, to: 1_000_000, points }, never);
    expect(double.writes.flatMap(({ lines }) => lines)).toEqual([
      `event amount="1",value=1 ${now}000007`,
      `event amount="2",value=2 ${now}000008`,
      `event amount="3",value=3 ${now}999999`,
    ]);
    await tagged.write({ partition, from: 0, to: 10, points: [point(9, now, 1)] }, never);
    const window = { fromMs: now, toMs: now + 1 };
    const query = { topicId: partition.topicId, partition: 0, window, fromOffset: 0, toOffset: 1_000_000 };
    expect(await store.readOffsets(query, never)).toEqual([7, 8, 999_999]);
    expect(await tagged.readOffsets(query, never)).toEqual([9]);
    const sent = double.writes.length;
    const beyond = { partition, from: 999_998, to: 1_000_001, points: [point(999_998, now, 1), point(1_000_000, now, 1)] };
    await expect(store.write(beyond, never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringMatching(/offset 1000000 came: set influx\.tags to on/),
    });
    const second = { partition: { ...partition, partition: 1 }, from: 0, to: 1, points: [point(0, now, 1)] };
    await expect(store.write(second, never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringContaining('partition 1'),
    });
    expect(double.writes).toHaveLength(sent);
  });

  it('waits as long as it is told, or longer each time, and goes on with the same lines', async () => {
    await using double = await Influx2Double.open(place);
    const clock = new TestClock();
    const waits: number[] = [];
    // The time limit of the call is none of the waits.
    const startTimer = (delayMs: number, fire: () => void) => {
      if (delayMs === 30_000) return () => {};
      waits.push(delayMs);
      queueMicrotask(fire);
      return () => {};
    };
    await using store = await openSeriesStore(configOf(double), { log: silentLogger, startTimer, clock, random: () => 0 });
    const inTwoMinutes = new Date(clock.now() + 120_000).toUTCString();
    double.plan(
      { status: 429, headers: { 'Retry-After': '7' } },
      { status: 503 },
      { status: 500, body: { code: 'internal error', message: 'unexpected' } },
      { status: 503, headers: { 'Retry-After': inTwoMinutes } },
    );
    expect(await store.write(batchOf(3), never)).toEqual({ outcome: 'stored', refused: [] });
    expect(waits).toEqual([7000, 200, 400, 120_000]);
    expect(new Set(double.writes.map(({ lines }) => lines.join())).size).toBe(1);
    expect(await store.countPoints(never)).toBe(3);
  });

  it('says why at the end of its time', async () => {
    await using double = await Influx2Double.open(place);
    let fire = (): void => {};
    const startTimer = (delayMs: number, onTime: () => void) => {
      if (delayMs === 500) fire = onTime;
      else queueMicrotask(fire);
      return () => {};
    };
    await using store = await openSeriesStore(configOf(double, { timeoutMs: 500 }), { log: silentLogger, startTimer });
    double.plan({ status: 503, body: { code: 'unavailable', message: 'shard is being moved' } });
    const message = 'The batch at offset 0 failed: no answer in 500 ms; status 503, shard is being moved.';
    await expect(store.write(batchOf(3), never)).rejects.toMatchObject({ code: 'seriesUnavailable', message });
  });

  it.each([true, false])('finds the lines that are refused, where the good ones beside them are stored: %s', async (storesPart) => {
    await using double = await Influx2Double.open({ ...place, storesPart });
    await using store = await open(configOf(double));
    const { points } = batchOf(6000);
    // No decimal number: nothing that the log should hold, but the store must not stand still for it.
    const bad = [0, 77, 4999, 5001];
    const odd = points.map((one, index) => (bad.includes(index) ? { ...one, amountText: 'with\nline' } : one));
    const outcome = await store.write({ ...batchOf(6000), points: odd }, never);
    const text = expect.stringMatching(/unable to parse/);
    expect(outcome).toEqual({ outcome: 'stored', refused: bad.map((index) => ({ index, reason: 'rejected', text })) });
    expect(await store.countPoints(never)).toBe(5996);
  });

  it('halves what is too large, and gives up what is so alone', async () => {
    await using double = await Influx2Double.open(place);
    await using store = await open(configOf(double));
    const tooLarge = { status: 413, body: { code: 'request too large', message: 'cannot read data: points batch is too large' } };
    double.plan(tooLarge);
    expect(await store.write(batchOf(4), never)).toEqual({ outcome: 'stored', refused: [] });
    expect(double.writes.map(({ lines }) => lines.length)).toEqual([4, 2, 2]);
    double.plan(tooLarge);
    const refused = [{ index: 0, reason: 'rejected', text: 'cannot read data: points batch is too large' }];
    expect(await store.write(batchOf(1), never)).toEqual({ outcome: 'stored', refused });
  });

  it('tells points older than the retention as expired, and reads the retention', async () => {
    await using double = await Influx2Double.open({ ...place, retentionSeconds: 3600 });
    await using store = await open(configOf(double));
    expect(await store.readRetention(never)).toBe(3_600_000);
    const points = [now, now - 7_200_000, now, 1].map((timeMs, offset) => point(offset, timeMs, 1));
    const outcome = await store.write({ partition, from: 0, to: 4, points }, never);
    const refusal = { reason: 'expired', text: expect.stringContaining('points beyond retention policy') };
    expect(outcome).toEqual({ outcome: 'stored', refused: [1, 3].map((index) => ({ index, ...refusal })) });
    expect(await store.countPoints(never)).toBe(2);
  });

  it('stops at what is wrong with the place, and gives no point up for it', async () => {
    await using double = await Influx2Double.open(place);
    await using first = await open(configOf(double));
    await first.write(batchOf(1), never);
    const wrong: [Partial<InfluxConfig>, string][] = [
      [{ token: 'guessed-token' }, 'unauthorized'],
      [{ org: 'other' }, 'organization not found'],
      [{ bucket: 'other' }, 'bucket "other" not found'],
      [{ amountType: 'float' }, 'field type conflict'],
    ];
    for (const [given, text] of wrong) {
      await using store = await open(configOf(double, given));
      const error = await store.write({ ...batchOf(2), from: 0 }, never).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining(text) });
      expect(String(error)).not.toContain('guessed-token');
    }
    await using nowhere = await open(configOf(double, { bucket: 'other' }));
    await expect(nowhere.ensureSchema(never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringContaining('create it'),
    });
    await expect(nowhere.probe(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
    await expect(nowhere.countPoints(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
    expect(await first.countPoints(never)).toBe(1);
  });

  it('keeps the token out of what the server says', async () => {
    await using double = await Influx2Double.open(place);
    await using store = await open(configOf(double));
    double.plan({ status: 400, body: { code: 'invalid', message: 'who is secret-token?' } });
    const refused = [{ index: 0, reason: 'rejected', text: 'who is …?' }];
    expect(await store.write(batchOf(1), never)).toEqual({ outcome: 'stored', refused });
  });

  it('follows no redirect, which would carry the token away', async () => {
    await using double = await Influx2Double.open(place);
    await using store = await open(configOf(double));
    double.plan({ status: 307, headers: { Location: `${double.url}/api/v2/write?stolen` } });
    await expect(store.write(batchOf(1), never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringContaining('status 307'),
    });
    expect(double.writes).toHaveLength(1);
  });

  it('talks to a server by TLS whose authority is known, and to no other', async () => {
    const certificate = await makeCertificate('influx');
    await using double = await Influx2Double.open(place, certificate);
    await using store = await open(configOf(double));
    const failed = { code: 'seriesUnavailable', message: expect.stringMatching(/SELF_SIGNED_CERT|DEPTH_ZERO/) };
    await expect(store.countPoints(never)).rejects.toMatchObject(failed);
    const known = getCACertificates();
    try {
      setDefaultCACertificates([...known, certificate.cert]);
      expect(await store.write(batchOf(3), never)).toEqual({ outcome: 'stored', refused: [] });
      expect(await store.countPoints(never)).toBe(3);
    } finally {
      setDefaultCACertificates(known);
    }
  });

  it('ends its requests with the signal, and when it is closed', async () => {
    await using double = await Influx2Double.open(place);
    const store = await open(configOf(double));
    const abort = new AbortController();
    const writing = store.write(batchOf(1), abort.signal);
    abort.abort(new Error('enough'));
    await expect(writing).rejects.toThrow('enough');
    const counting = store.countPoints(never);
    await store[Symbol.asyncDispose]();
    await expect(counting).rejects.toMatchObject({ code: 'seriesUnavailable', message: 'The series is closed.' });
    await expect(store.countPoints(never)).rejects.toMatchObject({ message: 'The series is closed.' });
  });
});

it('the double takes what the reference allows, and refuses everything else', async () => {
  await using double = await Influx2Double.open(place);
  const write = async (lines: string, parameters = `org=${encodeURIComponent(place.org)}&bucket=my+bucket&precision=ns`) => {
    const headers = { Authorization: `Token ${place.token}`, 'Content-Encoding': 'gzip' };
    return (await fetch(`${double.url}/api/v2/write?${parameters}`, { method: 'POST', headers, body: gzipSync(lines) })).status;
  };
  for (const line of ['e v=1 1', 'e,t=a,p=0 v=1.5e-7,w="a b,\\"c\\\\",x=7i,y=t -1', 'a\\ b,c\\,d=e\\=f g=1 1'])
    expect(await write(line), line).toBe(204);
  const bad = [
    'e v=1',
    'e',
    'e  v=1 1',
    'e v= 1',
    'e v=0x10 1',
    'e v=NaN 1',
    'e v=1,  1',
    'e,t= v=1 1',
    'e,t v=1 1',
    'e v="a"b 1',
    'e v=1 1.5',
  ];
  for (const line of [...bad, 'e v=1 9223372036854775807', 'e,a=1,a=2 v=1 1', 'e v="a 1']) expect(await write(line), line).toBe(400);
  expect(await write('e v=1 1', 'org=other&bucket=my+bucket&precision=ns')).toBe(404);
});
