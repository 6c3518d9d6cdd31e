import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { victoriaService } from '../../../../test/support/services/victoria-service.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openSeriesStore } from '../registry.ts';
import { point } from '../series-store.conformance.ts';

const never = new AbortController().signal;

let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(victoriaService));
});

it.each(['string', 'float'] as const)(
  'VictoriaMetrics reads our lines as numbers with their tags and times, amounts as %s',
  async (amountType) => {
    const measurement = `event_${randomUUID().slice(0, 8)}`;
    const config = { kind: 'influx', api: 'v2', url, org: 'any', bucket: 'any', token: 'any', measurement, amountType } as const;
    await using store = await openSeriesStore(config, { log: silentLogger });
    const from = Date.now() - 100_000;
    const amounts = [-0.1, 4.377141871, 0.25, 123_456.789, -7];
    const points = amounts.map((amount, index) => point(999_998 + index, from + 1000 * index, amount));
    const partition = { route: 'low', topicId: 'topic', partition: 3 };
    expect(await store.write({ partition, from: 0, to: 2_000_000, points }, never)).toEqual({ outcome: 'stored', refused: [] });
    await fetch(`${url}/internal/force_flush`);
    const name = `${measurement}_${amountType === 'float' ? 'amount' : 'value'}`;
    const answer = await fetch(`${url}/api/v1/export?${new URLSearchParams({ 'match[]': name })}`);
    const series = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .toSorted((a, b) => Number(a.metric.g) - Number(b.metric.g));
    expect(series.map(({ metric }) => [metric.p, metric.g])).toEqual([
      ['3', '0'],
      ['3', '1'],
    ]);
    expect(series.flatMap(({ timestamps }) => timestamps)).toEqual(points.map(({ timeMs }) => timeMs));
    // It keeps decimal digits with one exponent for a series.
    const values = series.flatMap((one) => one.values);
    for (const [index, amount] of amounts.entries()) expect(values[index] / amount).toBeCloseTo(1, 10);
  },
);
