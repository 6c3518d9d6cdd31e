import { hostilePrograms } from '../hostile/hostile-programs.ts';
import { runHostile } from '../hostile/run-hostile.ts';

/** Runs one hostile program, `node hostile-main.ts <index>`, and prints what it cost. */
const program = hostilePrograms[Number(process.argv[2])];
if (!program) throw new Error('there is no such program');
runHostile('1 + 1');
const before = process.memoryUsage().rss;
const start = performance.now();
const { message } = runHostile(program.code);
const ms = performance.now() - start;
/** maxRSS is in kB. */
const megabytes = Math.max(0, process.resourceUsage().maxRSS * 1024 - before) / 2 ** 20;
process.stdout.write(`${JSON.stringify({ ms, megabytes, message })}\n`);
