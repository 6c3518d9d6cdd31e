import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostilePrograms } from '../hostile/hostile-programs.ts';
import type { Figure } from './jsonnet-bench.ts';

const main = fileURLToPath(new URL('./hostile-main.ts', import.meta.url));
const run = promisify(execFile);

/** What hostile programs cost until their budget ends them: ms and MB above the idle process, each in a process of its own. */
export async function benchJsonnetHostile(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [index, { title }] of hostilePrograms.entries()) {
    const { stdout } = await run(process.execPath, [main, String(index)]);
    const { ms, megabytes } = JSON.parse(stdout) as { ms: number; megabytes: number };
    const id = `jsonnet-hostile-${title.toLowerCase().replace(/\W+/g, '-')}`;
    figures.push({ id, value: ms, unit: 'ms', bar: 100 }, { id: `${id}-memory`, value: megabytes, unit: 'MB', bar: 64 });
  }
  return figures;
}
