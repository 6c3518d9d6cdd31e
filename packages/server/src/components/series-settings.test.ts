import { expect, test } from 'vitest';
import { loadConfig } from '../kernel/config/load-config.ts';
import { configSchema } from './config.ts';

const load = (env: Readonly<Record<string, string>>) =>
  loadConfig({ schema: configSchema, flags: [], env, readFile: () => '' }).config.series;
const both = (name: string, value: string) => ({ [`SLUICE_SERIES_HIGH_${name}`]: value, [`SLUICE_SERIES_LOW_${name}`]: value });

test('two routes in one database of PostgreSQL need tables of their own', () => {
  const engines = both('ENGINE', 'postgres');
  expect(() => load(engines)).toThrow('must not share a table');
  expect(load({ ...engines, SLUICE_SERIES_LOW_POSTGRES_TABLE: 'low_events' }).low.postgres.table).toBe('low_events');
  expect(load({ ...engines, SLUICE_SERIES_LOW_POSTGRES_DATABASE: 'low' }).low.postgres.table).toBe('events');
  expect(load({ ...engines, SLUICE_SERIES_HIGH_POSTGRES_HOST: 'high' }).high.postgres.table).toBe('events');
  expect(load({ SLUICE_SERIES_HIGH_ENGINE: 'postgres' }).low.engine).toBe('embedded');
});

test('two routes in one bucket of InfluxDB need measurements of their own', () => {
  const engines = { ...both('ENGINE', 'influx'), ...both('INFLUX_BUCKET', 'events') };
  expect(() => load(engines)).toThrow('must not share a measurement');
  expect(load({ ...engines, SLUICE_SERIES_LOW_INFLUX_MEASUREMENT: 'low' }).low.influx.measurement).toBe('low');
  expect(load({ ...engines, SLUICE_SERIES_HIGH_INFLUX_BUCKET: 'other' }).high.influx.measurement).toBe('event');
});

test('points without tags take one partition', () => {
  const low = { SLUICE_SERIES_LOW_ENGINE: 'influx', SLUICE_SERIES_LOW_INFLUX_BUCKET: 'low' };
  const off = { SLUICE_SERIES_LOW_INFLUX_TAGS: 'off' };
  expect(load(low).low.influx.tags).toBe('on');
  expect(load({ ...low, ...off }).low.influx.tags).toBe('off');
  expect(() => load({ ...low, ...off, SLUICE_EVENTS_PARTITIONS: '2' })).toThrow('series.low.influx.tags');
  expect(load({ ...low, SLUICE_EVENTS_PARTITIONS: '2' }).low.influx.tags).toBe('on');
  // It is not written to.
  expect(load({ ...off, SLUICE_EVENTS_PARTITIONS: '2' }).low.influx.tags).toBe('off');
});
