import { expect, test } from 'vitest';
import { MemoryLog } from '../../test/support/memory-log.ts';
import { MemorySeries, MemorySeriesStore } from '../../test/support/memory-series-store.ts';
import { loadConfig } from '../kernel/config/load-config.ts';
import { systemClock } from '../kernel/time/clock.ts';
import { configSchema } from './config.ts';
import { enginePorts } from './engine-ports.ts';

/** The ports of a process with these settings, and which engines it has opened. */
function portsOf(env: Readonly<Record<string, string>>) {
  const { config } = loadConfig({ schema: configSchema, flags: [], env, readFile: () => '' });
  const opened: string[] = [];
  const ports = enginePorts(config, {
    log: async () => {
      opened.push('log');
      return new MemoryLog({ clock: systemClock });
    },
    series: async (route) => {
      opened.push(route);
      return new MemorySeriesStore({ series: new MemorySeries(), exactlyOnce: 'transactional' });
    },
  });
  return { opened, names: [...ports.keys()], open: async (name: string) => await ports.get(name)?.(() => {}) };
}

test('embedded engines are opened when somebody asks for them', async () => {
  const { opened, names, open } = portsOf({});
  expect([names, opened]).toEqual([['log', 'series-high', 'series-low'], []]);
  await using _low = await open('series-low');
  expect(opened).toEqual(['low']);
  await using _log = await open('log');
  expect(opened).toEqual(['low', 'log']);
});

test('what the process has elsewhere is refused, and the rest is served', async () => {
  const { opened, open } = portsOf({ SLUICE_KAFKA_BROKERS: 'a:9092', SLUICE_SERIES_LOW_ENGINE: 'postgres' });
  await expect(open('log')).rejects.toMatchObject({ code: 'configInvalid', message: expect.stringContaining('set kafka.brokers as') });
  await expect(open('series-low')).rejects.toMatchObject({ code: 'configInvalid', message: expect.stringContaining('set series.low as') });
  await using _high = await open('series-high');
  expect(opened).toEqual(['high']);
});
