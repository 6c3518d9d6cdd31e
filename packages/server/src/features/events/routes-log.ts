import { randomUUID } from 'node:crypto';
import type { RouteSet } from '@sluice/contract/event-routes';
import type { LogEngine, LogTopic } from '../../engines/log/log-engine.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import { AppError, errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { compileRoutes, type Routes } from './routes.ts';
import {
  applyRoutesEntry,
  emptyHistory,
  type LogPlace,
  type RoutesEntry,
  type RoutesHistory,
  type RoutesProposal,
  routesEntrySchema,
  versionAt,
} from './routes-history.ts';

interface RoutesLogOptions {
  readonly log: LogEngine;
  /** The topic of the events. */
  readonly topic: LogTopic;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type RoutesAt =
  | { readonly type: 'routes'; readonly version: number; readonly routes: Routes }
  /** Read the log of routes again soon: somebody decides, or the proposal is voided after 10 s. */
  | { readonly type: 'pending' }
  | { readonly type: 'none' };

/** What holds for records to come. */
export interface CurrentRoutes {
  readonly version: number;
  readonly watermark: number;
  readonly routes: Routes;
}

/** Who proposed and gave no verdict may be gone. */
const voidAfterMs = 10_000;
/** Proposals that a busy topic outruns before the proposer gives up; each reaches further ahead. */
const maxProposals = 10;
const firstMargin = 1000;
const readLimits = { maxRecords: 1000, maxBytes: 1_000_000, waitMs: 0 };

/**
 * The versions of a topic's routes, kept in the compacted topic `<topic>.routes`, which everybody reads from its begin.
 *
 * I1 A version holds from a first offset of each partition on. It is proposed with offsets that no record has yet, and confirmed only if
 * no record has them when the proposal can be read by all. So whoever reads the log of routes to its end after fetching a record
 * knows of every proposal that may come to hold for it, and judges the record by the same version as everybody else, at any time.
 * I2 The first version holds from offset 0: before it, nobody judges anything.
 * I3 Every record has a key of its own, so compaction never removes one: the order of verdicts must not change.
 */
export class RoutesLog {
  readonly #options: RoutesLogOptions;
  readonly #routesTopic: LogTopic;
  readonly #compiled = new Map<string, Routes>();
  /** By id of the proposal, when it was seen first. */
  readonly #pendingSince = new Map<string, number>();
  #history: RoutesHistory;
  #next = 0;
  #reading: Promise<void> | undefined;

  private constructor(options: RoutesLogOptions, routesTopic: LogTopic) {
    this.#options = options;
    this.#routesTopic = routesTopic;
    this.#history = emptyHistory(options.topic.id);
  }

  /** Makes the topic of the routes where it is missing, and reads it. Errors as those of the log. */
  static async open(options: RoutesLogOptions): Promise<RoutesLog> {
    const routesTopic = await options.log.ensureTopic({ name: `${options.topic.name}.routes`, partitions: 1, compacted: true });
    const opened = new RoutesLog(options, routesTopic);
    await opened.catchUp();
    return opened;
  }

  /** The version that holds for records to come, as far as it is read. */
  get latest(): RoutesProposal | undefined {
    return this.#history.versions.at(-1);
  }

  /** `latest`, ready to judge. */
  get current(): CurrentRoutes | undefined {
    const { latest } = this;
    return latest && { version: latest.version, watermark: latest.set.watermark, routes: this.#routesOf(latest) };
  }

  /** Every confirmed version, as far as it is read. */
  get versions(): readonly RoutesProposal[] {
    return this.#history.versions;
  }

  /** Valid for a record that was fetched before the last `catchUp` began. */
  at(place: LogPlace): RoutesAt {
    const found = versionAt(this.#history, place);
    if (found.type !== 'version') return { type: found.type };
    return { type: 'routes', version: found.version.version, routes: this.#routesOf(found.version) };
  }

  /** Reads to the end that the log of routes has now, and voids what nobody decides. A call while another one reads starts over behind it. */
  async catchUp(): Promise<void> {
    while (this.#reading !== undefined) await this.#reading.catch(() => {});
    this.#reading = this.#readToEnd().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    await this.#voidForgotten();
  }

  /** The routes of the topic are these from now on, or from soon on; settles once that is decided. Idempotent. */
  async ensure(set: RouteSet): Promise<RoutesProposal> {
    const compiled = compileRoutes(set);
    if (!compiled.ok) throw new AppError('configInvalid', `The routes cannot be used: ${compiled.reason}.`);
    let margin = 0;
    for (let attempt = 0; attempt < maxProposals; attempt += 1) {
      await this.catchUp();
      if (this.latest !== undefined && isSame(this.latest.set, set)) return this.latest;
      await this.#propose(set, margin);
      margin = Math.max(firstMargin, margin * 4);
    }
    await this.catchUp();
    if (this.latest !== undefined && isSame(this.latest.set, set)) return this.latest;
    throw new AppError(
      'transactionConflict',
      `A new version of the routes of ${this.#options.topic.name} was proposed ${maxProposals} times and never confirmed; try again.`,
    );
  }

  async #propose(set: RouteSet, margin: number): Promise<void> {
    const { topic } = this.#options;
    const { latest } = this;
    const ends = await this.#endOffsets();
    const since = ends.map((end, partition) => (latest === undefined ? 0 : Math.max(end + margin, latest.since[partition] ?? 0)));
    const id = randomUUID();
    await this.#append({ type: 'proposed', id, topicId: topic.id, version: (latest?.version ?? 0) + 1, since, set });
    // Records that came before this moment may have been judged without knowing of the proposal (I1).
    const isAhead = latest === undefined || (await this.#endOffsets()).every((end, partition) => end <= (since[partition] ?? 0));
    await this.#append({ type: isAhead ? 'confirmed' : 'voided', id });
  }

  async #endOffsets(): Promise<readonly number[]> {
    return (await this.#options.log.offsets(this.#options.topic)).map(({ end }) => end);
  }

  async #append(entry: RoutesEntry): Promise<void> {
    const key = Buffer.from(`${entry.id}/${entry.type}/${randomUUID()}`);
    const value = Buffer.from(JSON.stringify(entry));
    await this.#options.log.append({ topic: this.#routesTopic.name, partition: 0, records: [{ key, value }] });
  }

  async #readToEnd(): Promise<void> {
    for (;;) {
      const { log, clock } = this.#options;
      const batch = await log.read({ topic: this.#routesTopic, partition: 0, offset: this.#next, ...readLimits });
      for (const { offset, value } of batch.records) {
        const entry = value && this.#decode(value, offset);
        if (entry) this.#history = applyRoutesEntry(this.#history, entry);
      }
      this.#next = batch.nextOffset;
      if (this.#next < batch.endOffset) continue;
      const { pending } = this.#history;
      for (const { id } of pending) if (!this.#pendingSince.has(id)) this.#pendingSince.set(id, clock.monotonic());
      for (const id of this.#pendingSince.keys()) if (!pending.some((proposal) => proposal.id === id)) this.#pendingSince.delete(id);
      return;
    }
  }

  /** What is no entry of ours is ignored by every reader alike. */
  #decode(value: Buffer, offset: number): RoutesEntry | undefined {
    try {
      return decodeJson(value.toString(), { schema: routesEntrySchema, what: 'Entry of the routes', code: 'badRequest' });
    } catch (error) {
      this.#options.logger.warn({ topic: this.#routesTopic.name, offset, error: errorText(error) }, 'an entry of the routes is ignored');
      return undefined;
    }
  }

  async #voidForgotten(): Promise<void> {
    const now = this.#options.clock.monotonic();
    for (const [id, since] of this.#pendingSince) {
      if (now - since < voidAfterMs) continue;
      // Once more only after another 10 s, should the record be lost.
      this.#pendingSince.set(id, now);
      this.#options.logger.warn({ topic: this.#routesTopic.name, proposal: id }, 'a proposal of routes without a verdict is voided');
      await this.#append({ type: 'voided', id });
    }
  }

  #routesOf({ id, set, version }: RoutesProposal): Routes {
    const known = this.#compiled.get(id);
    if (known) return known;
    const compiled = compileRoutes(set);
    if (!compiled.ok)
      throw new AppError('invariantBroken', `Version ${version} of the routes was confirmed, but cannot be used: ${compiled.reason}.`);
    this.#compiled.set(id, compiled.value);
    return compiled.value;
  }
}

const isSame = (one: RouteSet, other: RouteSet): boolean =>
  one.watermark === other.watermark &&
  one.routes.length === other.routes.length &&
  one.routes.every(({ name, when }, index) => other.routes[index]?.name === name && other.routes[index]?.when === when);
