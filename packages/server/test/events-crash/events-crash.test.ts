import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { reportLine } from './events-crash-report.ts';
import { runEmbeddedCrash } from './run-embedded-crash.ts';
import { runEventsCrash } from './run-events-crash.ts';

const nothingWrong = { lost: 0, doubled: 0, strays: 0, problems: [] };
const { SEED, LONG } = process.env;
const first = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
/** LONG=1 runs twenty, over a longer time each. */
const [count, seconds] = LONG === '1' ? [20, 60] : [3, 40];
const seeds = Array.from({ length: count }, (_, index) => first + index);

it.each(seeds)(
  '100,000 events of seed %i come through Kafka into PostgreSQL and InfluxDB, each once',
  async (seed) => {
    const report = await runEventsCrash({ seed, events: 100_000, spreadMs: seconds * 1000, say: () => {} });
    console.log(reportLine(report));
    expect(report).toMatchObject(nothingWrong);
  },
  600_000,
);

it('events come through one process on embedded engines, each once', async () => {
  const report = await runEmbeddedCrash({ seed: first, events: 20_000, spreadMs: 20_000, say: () => {} });
  console.log(reportLine(report));
  expect(report).toMatchObject(nothingWrong);
}, 300_000);
