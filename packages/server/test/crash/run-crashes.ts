import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningSluice } from '../support/start-sluice.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';
import { checkFolder, checkRemains, type FolderCheck } from './check-folder.ts';
import { CrashFolder, compileService, tables } from './crash-folder.ts';
import type { CrashReport } from './crash-report.ts';
import { type CrashSuite, damageSuite } from './crash-suite.ts';
import { damageOnePart } from './damage-part.ts';
import { EventLoad } from './event-load.ts';
import { describePlan, type Kill, type RoundPlan } from './round-plan.ts';

interface CrashOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}

/** Events that must be acknowledged before the kill is armed. */
const minAcknowledged = 500;
const maxLoadMs = 20_000;
/** From arming to the kill; then the point counts as not reached. */
const maxArmedMs = 8000;
const roundsPerCheck = 5;
const roundsPerFolder = 25;

/**
 * Kills the service under load, starts it on the same folder, and loads it again; every few rounds it compares the tables
 * with the client's list, and every 25 it begins with a fresh folder. Ends at the first problem and keeps that folder.
 */
export async function runCrashes(suite: CrashSuite, options: CrashOptions): Promise<CrashReport> {
  const work = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  await compileService(work);
  const run = new CrashRun({ ...options, suite, work });
  await run.toTheEnd();
  const report = run.report();
  if (report.problems.length === 0) await rm(work, { recursive: true });
  return report;
}

interface RunOptions extends CrashOptions {
  readonly suite: CrashSuite;
  /** Holds the data folders, and the compiled code that the starts share. */
  readonly work: string;
}

class CrashRun {
  readonly #options: RunOptions;
  readonly #points: Map<string, number>;
  readonly #problems: string[] = [];
  readonly #sums = { acked: 0, lost: 0, doubled: 0, damaged: 0 };
  #done = 0;
  #relapses = 0;
  /** In the folders before this one. */
  #damagedBefore = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#points = new Map(options.suite.points.map((name) => [name, 0]));
  }

  async toTheEnd(): Promise<void> {
    const { rounds, say, suite, work } = this.#options;
    const startedAt = performance.now();
    while (this.#done < rounds && this.#problems.length === 0) {
      const folder = new CrashFolder(work, this.#done);
      await mkdir(folder.root);
      await this.#useFolder(folder, Math.min(rounds, this.#done + roundsPerFolder));
      this.#sums.acked += folder.book.acknowledged;
      this.#damagedBefore = this.#sums.damaged;
      if (this.#problems.length === 0) await rm(folder.root, { recursive: true });
      else this.#problems.push(`The folder is kept: ${folder.root}`);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    say(`${suite.name}: ${this.#done} rounds in ${seconds.toFixed(0)} s, ${this.#relapses} starts killed too`);
    const missed = [...this.#points].flatMap(([name, hits]) => (hits === 0 ? [name] : []));
    if (missed.length === 0 || this.#problems.length > 0) return;
    const sentence = `not reached: ${missed.join(', ')}`;
    if (this.#done >= suite.roundsForAll) this.#problems.push(sentence);
    else say(sentence);
  }

  report(): CrashReport {
    const { seed, suite } = this.#options;
    return { suite: suite.name, seed, rounds: this.#done, ...this.#sums, points: this.#points, problems: this.#problems };
  }

  async #useFolder(folder: CrashFolder, end: number): Promise<void> {
    let plan: RoundPlan | undefined;
    try {
      for (; this.#done < end && this.#problems.length === 0; this.#done += 1) {
        plan = this.#options.suite.plan(this.#options.seed, this.#done);
        await this.#round(folder, plan);
        if ((this.#done + 1) % 10 === 0)
          this.#options.say(
            `round ${this.#done + 1}: ${folder.book.acknowledged} acknowledged in this folder, slowest start ${folder.slowestStartMs.toFixed(0)} ms`,
          );
      }
      plan = undefined;
      if (this.#problems.length === 0) await this.#finish(folder);
      const errors = folder.errorLines.filter((line) => !this.#isExpected(line));
      if (errors.length > 0) this.#fail(plan, `the service logged errors:\n${errors.slice(0, 5).join('\n')}`);
    } catch (error) {
      this.#fail(plan, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  async #round(folder: CrashFolder, plan: RoundPlan): Promise<void> {
    await using service = await folder.start({ kill: plan.kill, fromStart: false });
    if (plan.round % roundsPerCheck === 0 && folder.book.acknowledged > 0) {
      this.#take(plan, { service, check: await checkFolder(folder) });
      if (this.#problems.length > 0) return;
    }
    const { seed } = this.#options;
    const load = new EventLoad({ url: folder.sourceUrl(service), book: folder.book, connections: plan.connections, seed }, minAcknowledged);
    await using conservation = new ConservationWatch(folder.dataDir, tables);
    load.start();
    const enough = await settlesWithin(Promise.race([load.enough, service.exited]), maxLoadMs);
    const hasEnough = enough && load.acknowledged >= minAcknowledged;
    if (hasEnough) await this.#kill(service, plan.kill);
    service.process.kill('SIGKILL');
    const end = await service.exited;
    await load.stop();
    for (const problem of await conservation.stop()) this.#fail(plan, problem);
    if (!hasEnough) this.#fail(plan, `only ${load.acknowledged} events were acknowledged before the kill`);
    if (end !== 'SIGKILL') this.#fail(plan, `the service ended by itself with ${end}`);
    for (const [status, { count, body }] of load.unexpected) this.#fail(plan, `${count} events were answered with ${status}: ${body}`);
    if (this.#problems.length > 0) this.#problems.push(lastLines(service));
    if (plan.damage) {
      if (await damageOnePart(folder, plan.damage)) this.#count(plan.damage.kind);
    } else if (plan.kill.type === 'point' && hasEnough) await this.#countPoint(folder, plan);
    if (plan.relapse) await this.#relapse(folder, plan.relapse);
  }

  async #kill(service: RunningSluice, kill: Kill): Promise<void> {
    if (kill.type === 'point') service.process.kill('SIGUSR2');
    await settlesWithin(service.exited, kill.type === 'point' ? maxArmedMs : kill.afterMs);
  }

  async #countPoint({ mark }: CrashFolder, plan: RoundPlan): Promise<void> {
    const point = await readFile(mark, 'utf8').catch(() => undefined);
    if (point === undefined) this.#options.say(`round ${plan.round}, ${describePlan(plan)}: not reached in ${maxArmedMs} ms`);
    else this.#count(point);
  }

  #count(point: string): void {
    this.#points.set(point, (this.#points.get(point) ?? 0) + 1);
  }

  /** Destroyed rows are reported as errors. */
  #isExpected(errorLine: string): boolean {
    return this.#options.suite === damageSuite && errorLine.includes('the disk destroyed rows');
  }

  /** The service dies once more while it starts on what the last kill left. */
  async #relapse(folder: CrashFolder, kill: Kill): Promise<void> {
    this.#relapses += 1;
    const service = await folder.start({ kill, fromStart: true }).catch(() => undefined);
    if (!service) return;
    await settlesWithin(service.exited, 1000);
    await service[Symbol.asyncDispose]();
  }

  /** The last start in a folder: everything gets imported and cleaned up, and a graceful stop ends it. */
  async #finish(folder: CrashFolder): Promise<void> {
    await using service = await folder.start(undefined);
    this.#take(undefined, { service, check: await checkFolder(folder) });
    if (this.#problems.length > 0) return;
    for (const problem of await checkRemains(folder)) this.#fail(undefined, problem);
    const end = await service.stop();
    if (end !== 0) this.#fail(undefined, `the graceful stop ended with ${end}`);
    if (this.#problems.length > 0) this.#problems.push(lastLines(service));
  }

  #take(plan: RoundPlan | undefined, { service, check }: { service: RunningSluice; check: FolderCheck }): void {
    this.#sums.lost += check.lost;
    this.#sums.doubled += check.doubled;
    this.#sums.damaged = this.#damagedBefore + check.damaged;
    for (const problem of check.problems) this.#fail(plan, problem);
    if (check.problems.length > 0) this.#problems.push(lastLines(service));
  }

  #fail(plan: RoundPlan | undefined, problem: string): void {
    const { seed } = this.#options;
    const where = plan ? `round ${plan.round} of seed ${seed} (${describePlan(plan)})` : `after round ${this.#done - 1} of seed ${seed}`;
    this.#problems.push(`${where}: ${problem}`);
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, ms, false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

const lastLines = (service: RunningSluice): string =>
  `Last lines of its log:\n${service.log().trimEnd().split('\n').slice(-15).join('\n')}`;
