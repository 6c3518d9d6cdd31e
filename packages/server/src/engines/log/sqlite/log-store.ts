import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { LogTopic, TopicSpec } from '../log-engine.ts';
import { Catalog, type CatalogTopic } from './catalog.ts';
import type {
  AppendOutcome,
  OffsetCommit,
  PartitionAppend,
  ReadAnswer,
  ReadQuestion,
  StoreOptions,
  TopicState,
  Trim,
} from './log-protocol.ts';
import { CommitFailed, syncFolder } from './segment.ts';
import { TopicLog } from './topic-log.ts';

/** Topic ids are the names of their folders. */
const topicFolder = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** The embedded log on disk, synchronous. `<folder>/log.sqlite`, and `<folder>/<topic id>/<segment>.sqlite`. */
export class LogStore implements Disposable {
  readonly #options: StoreOptions;
  readonly #catalog: Catalog;
  readonly #topics = new Map<string, TopicLog>();

  constructor(options: StoreOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#catalog = new Catalog(join(options.folder, 'log.sqlite'));
    try {
      const known = this.#catalog.topics();
      for (const entry of known) this.#topics.set(entry.topic.id, TopicLog.open(this.#topicOptions(entry)));
      // What a death left of a creation or a deletion.
      for (const name of readdirSync(options.folder)) {
        if (topicFolder.test(name) && !this.#topics.has(name)) rmSync(join(options.folder, name), { recursive: true });
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  states(): TopicState[] {
    return [...this.#topics.values()].map(({ state }) => state);
  }

  /** Whether a topic has, or had, records that are no settings of others. */
  get hasEvents(): boolean {
    return this.#topics.values().some(({ isCompacted, state }) => !isCompacted && state.ends.some((end) => end > 0));
  }

  /** False for a topic that is not there, too. */
  isCompacted(topicId: string): boolean {
    return this.#topics.get(topicId)?.isCompacted ?? false;
  }

  /** The folder and its first segment are durable before the catalog names them. */
  ensureTopic(spec: TopicSpec, { id, nowMs }: { readonly id: string; readonly nowMs: number }): TopicState {
    const existing = this.#topics.values().find(({ topic }) => topic.name === spec.name);
    if (existing !== undefined) return existing.state;
    const topic: LogTopic = { name: spec.name, id, partitions: spec.partitions };
    const entry: CatalogTopic = { topic, compacted: spec.compacted ?? false };
    const options = this.#topicOptions(entry);
    mkdirSync(options.folder, { mode: 0o700 });
    syncFolder(this.#options.folder);
    const log = TopicLog.create(options, nowMs);
    this.#catalog.addTopic(entry);
    this.#topics.set(id, log);
    return log.state;
  }

  deleteTopic(topicId: string): void {
    const log = this.#topics.get(topicId);
    if (log === undefined) return;
    this.#catalog.removeTopic(topicId);
    this.#topics.delete(topicId);
    log[Symbol.dispose]();
    rmSync(join(this.#options.folder, topicId), { recursive: true });
  }

  /** One commit for each topic that is appended to. An append without a topic fails alone. */
  append(appends: readonly PartitionAppend[], nowMs: number): AppendOutcome[] {
    const outcomes: AppendOutcome[] = [];
    const byTopic = Map.groupBy(appends.entries(), ([, { topicId }]) => topicId);
    for (const [topicId, group] of byTopic) {
      const results = this.#appendTo(
        topicId,
        group.map(([, append]) => append),
        nowMs,
      );
      group.forEach(([index], at) => {
        outcomes[index] = results[at] ?? { type: 'failed', code: 'invariantBroken', message: 'An append has no outcome.' };
      });
    }
    return outcomes;
  }

  commit(commits: readonly OffsetCommit[]): void {
    const present = commits.filter(({ topicId }) => this.#topics.has(topicId));
    if (present.length > 0) this.#catalog.commit(present);
  }

  read(query: ReadQuestion): ReadAnswer {
    return this.#topic(query.topicId).read(query);
  }

  knowGroup(group: string, topicId: string): void {
    this.#topic(topicId);
    this.#catalog.addReader(group, topicId);
  }

  committed(group: string, topicId: string): (number | undefined)[] {
    return this.#catalog.committed(group, this.#topic(topicId).topic);
  }

  retain(nowMs: number): Trim[] {
    const trims: Trim[] = [];
    for (const [topicId, log] of this.#topics) {
      const trimmed = log.retain(this.#catalog.floors(log.topic), nowMs);
      if (trimmed !== undefined) trims.push({ topicId, ...trimmed });
    }
    return trims;
  }

  [Symbol.dispose](): void {
    for (const log of this.#topics.values()) log[Symbol.dispose]();
    this.#catalog[Symbol.dispose]();
  }

  #topic(topicId: string): TopicLog {
    const log = this.#topics.get(topicId);
    if (log === undefined) throw new AppError('logTopicNotFound', `The log has no topic with the id ${topicId} any more.`);
    return log;
  }

  #appendTo(topicId: string, appends: readonly PartitionAppend[], nowMs: number): AppendOutcome[] {
    try {
      return this.#topic(topicId)
        .append(appends, nowMs)
        .map((range) => ({ type: 'appended', ...range }));
    } catch (error) {
      const failed = failureOf(error);
      return appends.map(() => failed);
    }
  }

  #topicOptions({ topic, compacted }: CatalogTopic) {
    return { ...this.#options, topic, compacted, folder: join(this.#options.folder, topic.id) };
  }
}

function failureOf(error: unknown): AppendOutcome {
  if (isAppError(error)) return { type: 'failed', code: error.code, message: error.message };
  if (error instanceof CommitFailed) {
    return { type: 'failed', code: 'logInDoubt', message: `The log could not say whether it stored the records: ${error.message}.` };
  }
  return { type: 'failed', code: 'logUnavailable', message: `The log refuses the records: ${errorText(error)}.` };
}
