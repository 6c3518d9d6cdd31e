import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MetricRegistry } from './metrics.ts';

const table = {
  rows_total: { type: 'counter', help: 'Rows.', labels: ['sink', 'result'] },
  depth: { type: 'gauge', help: 'Depth.', labels: [] },
  wait_seconds: { type: 'histogram', help: 'Wait.', labels: ['sink'], buckets: [0.1, 1] },
} as const;

async function lines(registry: MetricRegistry): Promise<string[]> {
  return (await registry.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('exposes every declared metric with its values', async () => {
  const registry = new MetricRegistry();
  const metrics = registry.declare(table);
  const stored = metrics.counter('rows_total', { sink: 'a', result: 'stored' });
  stored.inc();
  stored.inc(2);
  expect(metrics.counter('rows_total', { result: 'stored', sink: 'a' })).toBe(stored);
  const depth = metrics.gauge('depth', {});
  depth.set(7);
  depth.inc();
  depth.dec(3);
  metrics.histogram('wait_seconds', { sink: 'a' }).observe(0.5);
  expect(await lines(registry)).toEqual([
    'rows_total{sink="a",result="stored"} 3',
    'depth 5',
    'wait_seconds_bucket{le="0.1",sink="a"} 0',
    'wait_seconds_bucket{le="1",sink="a"} 1',
    'wait_seconds_bucket{le="+Inf",sink="a"} 1',
    'wait_seconds_sum{sink="a"} 0.5',
    'wait_seconds_count{sink="a"} 1',
  ]);
  expect(await lines(registry)).toHaveLength(7);
  expect(await registry.text()).toContain('# HELP rows_total Rows.\n# TYPE rows_total counter');
});

test('a read value is that of the moment', async () => {
  const registry = new MetricRegistry();
  let depth = 1;
  registry.declare(table).gaugeOf('depth', {}, () => depth);
  expect(await lines(registry)).toContain('depth 1');
  depth = 2;
  expect(await lines(registry)).toContain('depth 2');
  registry.declare({ reads_total: { type: 'counter', help: 'Reads.', labels: [] } }).counterOf('reads_total', {}, () => depth);
  expect(await lines(registry)).toContain('reads_total 2');
});

test('what is removed is not exposed any more and starts anew', async () => {
  const registry = new MetricRegistry();
  const metrics = registry.declare(table);
  const labels = { sink: 'a', result: 'stored' };
  metrics.counter('rows_total', labels).inc(5);
  metrics.histogram('wait_seconds', { sink: 'a' }).observe(1);
  metrics.remove('rows_total', labels);
  metrics.remove('wait_seconds', { sink: 'a' });
  expect((await lines(registry)).join()).not.toContain('sink="a"');
  metrics.counter('rows_total', labels).inc();
  expect(await lines(registry)).toContain('rows_total{sink="a",result="stored"} 1');
});

test('one process does not declare a name twice', () => {
  const registry = new MetricRegistry();
  registry.declare(table);
  expect(() => registry.declare({ depth: table.depth })).toThrow('depth');
});

test('counts of any order of steps add up by labels', async () => {
  const step = fc.record({ sink: fc.constantFrom('a', 'b"', 'c\n'), by: fc.nat(100) });
  await fc.assert(
    fc.asyncProperty(fc.array(step), async (steps) => {
      const registry = new MetricRegistry();
      const metrics = registry.declare(table);
      const sums = new Map<string, number>();
      for (const { sink, by } of steps) {
        metrics.counter('rows_total', { sink, result: 'stored' }).inc(by);
        sums.set(sink, (sums.get(sink) ?? 0) + by);
      }
      const values = (await lines(registry)).filter((line) => line.startsWith('rows_total')).map((line) => Number(line.split(' ').at(-1)));
      expect(values).toEqual([...sums.values()]);
    }),
  );
});

test('the process can be measured too', async () => {
  const registry = new MetricRegistry();
  registry.collectProcessMetrics();
  expect(await registry.text()).toContain('process_cpu_seconds_total');
  expect(registry.contentType).toContain('text/plain');
});
