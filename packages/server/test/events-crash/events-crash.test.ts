import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { reportLine } from './events-crash-report.ts';
import { runEmbeddedCrash } from './run-embedded-crash.ts';
import { runEventsCrash } from './run-events-crash.ts';

const nothingWrong = { lost: 0, doubled: 0, strays: 0, problems: [] };
const { SEED, LONG } = process.env;
const first = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
/** One of them is of full length. LONG=1 runs twenty such. */
const runs =
  LONG === '1'
    ? Array.from({ length: 20 }, (_, index) => ({ seed: first + index, events: 100_000, seconds: 60 }))
    : [
        { seed: first, events: 100_000, seconds: 60 },
        { seed: first + 1, events: 20_000, seconds: 20 },
        { seed: first + 2, events: 20_000, seconds: 20 },
      ];

it.each(runs)(
  '$events events of seed $seed come through Kafka into PostgreSQL and InfluxDB, each once',
  async ({ seed, events, seconds }) => {
    const report = await runEventsCrash({ seed, events, spreadMs: seconds * 1000, say: () => {} });
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
