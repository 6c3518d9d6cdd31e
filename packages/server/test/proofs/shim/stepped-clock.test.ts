import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { openTempFolder } from '../../support/temp-folder.ts';
import { SteppedClock } from './stepped-clock.ts';

const hourMs = 3_600_000;
/** Tells its clocks for each line that it reads: of JavaScript, of the database that it writes times with, and the monotonic one. */
const program = `
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(':memory:');
  require('node:readline').createInterface(process.stdin).on('line', () => {
    const { ms } = database.prepare("SELECT unixepoch('subsec') * 1000 AS ms").get();
    console.log(JSON.stringify({ wall: Date.now(), database: ms, monotonic: performance.timeOrigin + performance.now() }));
  });`;

it('steps the wall clock of a running process in both directions, and no other clock', async () => {
  await using folder = await openTempFolder();
  const clock = await SteppedClock.open(folder.path);
  const child = spawn(process.execPath, ['-e', program], { env: { ...process.env, ...clock.env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const readings: { wall: number; database: number; monotonic: number }[] = [];
  for (const shiftMs of [0, hourMs, -2 * hourMs, 0]) {
    await clock.set(shiftMs);
    child.stdin.write('\n');
    const [line] = await once(lines, 'line');
    const { wall, database, monotonic } = JSON.parse(line) as (typeof readings)[number];
    readings.push({ wall: wall - Date.now(), database: database - Date.now(), monotonic: monotonic - Date.now() });
  }
  child.stdin.end();
  expect((await once(child, 'exit'))[0]).toBe(0);
  const hours = (name: keyof (typeof readings)[number]) => readings.map((reading) => Math.round(reading[name] / hourMs) + 0);
  expect(hours('wall')).toEqual([0, 1, -2, 0]);
  expect(hours('database')).toEqual([0, 1, -2, 0]);
  expect(hours('monotonic')).toEqual([0, 0, 0, 0]);
});
