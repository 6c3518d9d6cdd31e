/**
 * The product's command line with a checkpoint that ends the process by SIGKILL: at hit CRASH_HIT of the point CRASH_POINT,
 * counted from SIGUSR2 on (CRASH_ARMED=1: from the start). It writes the name of the point into the file CRASH_MARK first.
 */
import { writeFileSync } from 'node:fs';
import { runCli } from '../../src/cli/main.ts';

const { CRASH_POINT: point, CRASH_HIT: hit, CRASH_MARK: mark = '', CRASH_ARMED: armedFromStart } = process.env;
let armed = armedFromStart === '1';
let hitsLeft = Number(hit);
process.on('SIGUSR2', () => {
  armed = true;
});

process.exitCode = await runCli(process.argv.slice(2), {
  checkpoint: (name) => {
    if (!armed || name !== point) return;
    hitsLeft -= 1;
    if (hitsLeft > 0) return;
    writeFileSync(mark, name);
    process.kill(process.pid, 'SIGKILL');
  },
});
