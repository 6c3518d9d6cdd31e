import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { derivedSeed, SeededRandom } from '../../support/seeded-random.ts';
import { runEventsCrash } from '../run-events-crash.ts';
import { plantedEventBugs } from './planted-event-bugs.ts';

const preload = new URL('../../crash/planted/plant-main.ts', import.meta.url).href;
const guide = fileURLToPath(new URL('../../../../../docs/guide/guarantees.md', import.meta.url));
const { SEED, LONG } = process.env;
const seed = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
/** What a short run is struck by is chance: what one run misses, one of three finds. */
const maxRuns = 3;
/** Two by chance; each takes half a minute. */
const first = new SeededRandom(derivedSeed(seed, 0)).between(0, plantedEventBugs.length - 1);
const chosen = LONG === '1' ? plantedEventBugs : [...plantedEventBugs, ...plantedEventBugs].slice(first, first + 2);

it.each(chosen)(
  `planted: "$name" is caught, with seed ${seed}`,
  async ({ name }) => {
    const env = { PLANTED_BUG: name, NODE_OPTIONS: `--import=${preload}` };
    for (let run = 1; run <= maxRuns; run += 1) {
      const { lost, doubled, strays } = await runEventsCrash({ seed: seed + run - 1, events: 8000, spreadMs: 12_000, say: () => {}, env });
      if (lost + doubled + strays === 0) continue;
      console.log(`planted ${name} caught by run ${run} of the events' crash suite: ${lost} lost, ${doubled} doubled, ${strays} strays`);
      return;
    }
    expect.unreachable(`${maxRuns} runs of the events' crash suite have found nothing`);
  },
  400_000,
);

it.each(plantedEventBugs)('planted: "$name" stands in the guide', async ({ name }) => {
  expect(await readFile(guide, 'utf8')).toContain(`| ${name} |`);
});
