import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostilePrograms } from '../hostile/hostile-programs.ts';
import type { Figure } from './jsonnet-bench.ts';

const main = fileURLToPath(new URL('./hostile-main.ts', import.meta.url));
const run = promisify(execFile);

const tries = 3;

/**
 * What hostile programs cost until their budget ends them: ms and MB above the idle process, each in a process of its own.
 * Of three tries the shortest time, since other work on the machine only adds to it, and the most memory.
 */
export async function benchJsonnetHostile(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [index, { title }] of hostilePrograms.entries()) {
    const costs: { ms: number; megabytes: number }[] = [];
    for (let round = 0; round < tries; round += 1) {
      const { stdout } = await run(process.execPath, [main, String(index)]);
      costs.push(JSON.parse(stdout) as { ms: number; megabytes: number });
    }
    const ms = Math.min(...costs.map((cost) => cost.ms));
    const megabytes = Math.max(...costs.map((cost) => cost.megabytes));
    const id = `jsonnet-hostile-${title.toLowerCase().replace(/\W+/g, '-')}`;
    figures.push({ id, value: ms, unit: 'ms', bar: 100 }, { id: `${id}-memory`, value: megabytes, unit: 'MB', bar: 64 });
  }
  return figures;
}
