import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine } from './command-line.ts';
import { writeSettings } from './service-place.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

/** A process that is not mistaken for another one that got its number later. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks between the start of the machine and its own. */
  readonly startedAt: string;
}

interface StartOptions {
  /** Ends with the process that starts it, however that ends. */
  readonly diesWithParent: boolean;
  /** Called for every process that is started, before it is ready. */
  readonly onSpawn: (mark: ProcessMark) => Promise<void>;
}

const readyWithinMs = 90_000;
const probeWithinMs = 5_000;
const stopWithinMs = 10_000;
/** A killed process that waits for a busy disk goes once the disk has answered. */
const goneWithinMs = 60_000;

/** Starts the service in a prepared place and resolves when it answers. Rejects with the end of its log, and nothing runs then. */
export async function startService(recipe: ServiceRecipe<unknown>, place: ServicePlace, options: StartOptions): Promise<void> {
  const until = performance.now() + readyWithinMs;
  await writeSettings(recipe, place);
  for (;;) {
    const mark = await spawnService(recipe, place, options.diesWithParent);
    await options.onSpawn(mark);
    if (await becomesReady(recipe, place, { mark, until })) return;
    const hasEnded = !(await isAlive(mark));
    if (!hasEnded) await killService(mark);
    const log = await logTail(place);
    if (!hasEnded || !recipe.mayRetry?.(log) || performance.now() > until) {
      throw new Error(`${recipe.name} ${hasEnded ? 'ended before it was ready' : 'did not become ready'}. The end of its log:\n${log}`);
    }
    await sleep(250);
  }
}

/** Whether the service answers a real request within a few seconds. */
export async function answers(recipe: ServiceRecipe<unknown>, place: ServicePlace): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(probeWithinMs, false, { signal: timer.signal }).catch(() => false);
  const answered = recipe.probe(place).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    timer.abort();
  }
}

export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await startOf(mark.pid)) === mark.startedAt;
}

/** Ends it in an orderly way, after ten seconds by force. */
export async function stopService(mark: ProcessMark, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(mark))) return;
  sendSignal(mark, signal);
  if (!(await ends(mark, stopWithinMs))) await killService(mark);
}

/** SIGKILL; resolves when the process is gone. */
export async function killService(mark: ProcessMark): Promise<void> {
  if (!(await isAlive(mark))) return;
  sendSignal(mark, 'SIGKILL');
  if (!(await ends(mark, goneWithinMs))) throw new Error(`Process ${mark.pid} is still there ${goneWithinMs} ms after SIGKILL.`);
}

/** The process may have ended since somebody looked. */
function sendSignal({ pid }: ProcessMark, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function spawnService(recipe: ServiceRecipe<unknown>, place: ServicePlace, diesWithParent: boolean): Promise<ProcessMark> {
  const command = await recipe.command(place);
  const [program, ...args] = commandLine(command, diesWithParent);
  await using log = await open(logFile(place), 'w');
  const child = spawn(program, args, {
    cwd: place.folder,
    env: command.env ?? process.env,
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  await once(child, 'spawn');
  child.unref();
  const pid = child.pid ?? 0;
  return { pid, startedAt: (await startOf(pid)) ?? 'ended' };
}

async function becomesReady(
  recipe: ServiceRecipe<unknown>,
  place: ServicePlace,
  { mark, until }: { readonly mark: ProcessMark; readonly until: number },
): Promise<boolean> {
  while (performance.now() < until && (await isAlive(mark))) {
    if (await answers(recipe, place)) return isAlive(mark);
    await sleep(50);
  }
  return false;
}

async function ends(mark: ProcessMark, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while ((await isAlive(mark)) || (await isEnding(mark))) {
    if (performance.now() > until) return false;
    await sleep(20);
  }
  return true;
}

/** When the process started; undefined where there is none, or only its unburied rest. */
async function startOf(pid: number): Promise<string | undefined> {
  const { state, startedAt } = await readStat(pid);
  return state === 'Z' || state === 'X' ? undefined : startedAt;
}

/** Its first thread has ended and others have not yet: they may still hold its ports. */
async function isEnding({ pid, startedAt }: ProcessMark): Promise<boolean> {
  const stat = await readStat(pid);
  return stat.startedAt === startedAt && stat.threads > 1;
}

async function readStat(pid: number) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in brackets may hold anything; state is the first field after it, the number of threads the 18th, the start the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], threads: Number(fields[17]), startedAt: fields[19] };
}

const logFile = (place: ServicePlace): string => join(place.folder, 'log');

async function logTail(place: ServicePlace): Promise<string> {
  return (await readFile(logFile(place), 'utf8')).slice(-4000);
}
