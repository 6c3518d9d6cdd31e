import type { Page, PageQuery } from '@sluice/contract/page';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { commit } from './commit.ts';
import {
  activeBranchKey,
  activeSinkKey,
  activeSourceKey,
  decodeSink,
  decodeSource,
  decodeVersion,
  sinkVersionPrefix,
  sourceVersionPrefix,
} from './definition-codec.ts';
import { sinkExists, sourceExists, sourceMissing } from './definition-errors.ts';
import type { DefinitionHooks } from './definition-hooks.ts';
import { type BranchKey, branchKeyText, definitionPrefix, type SinkKey, type SourceKey, sourceKeyText, versionKeyText } from './keys.ts';
import { pageOf, versionPageOf } from './pagination.ts';
import { type Sink, sinkKeyOf } from './sink.ts';
import { type Source, sourceKeyOf, type Version } from './source.ts';

const maxSources = 100;
const maxSinks = 100;

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly page: Page;
}

/**
 * Sources and sinks in metadata. An entity and its version record change in one transaction.
 * Creating an entity writes its parent again: so two creations of one parent never commit on the same count, and limits hold.
 */
export class DefinitionStore {
  readonly #store: MetadataStore;

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  async source(key: SourceKey): Promise<Source | undefined> {
    const entry = await this.#store.get(activeSourceKey(key));
    return entry && decodeSource(entry);
  }

  async sink(key: SinkKey): Promise<Sink | undefined> {
    const entry = await this.#store.get(activeSinkKey(key));
    return entry && decodeSink(entry);
  }

  async sources(branch: BranchKey, query: PageQuery): Promise<ListPage<Source>> {
    const { entries, page } = await pageOf(this.#store, `${definitionPrefix.activeSource}${branchKeyText(branch)}/`, query);
    return { items: entries.map(decodeSource), page };
  }

  async sinks(source: SourceKey, query: PageQuery): Promise<ListPage<Sink>> {
    const { entries, page } = await pageOf(this.#store, `${definitionPrefix.activeSink}${sourceKeyText(source)}/`, query);
    return { items: entries.map(decodeSink), page };
  }

  sourceVersions(source: SourceKey, query: PageQuery): Promise<ListPage<Version>> {
    return this.#versions(sourceVersionPrefix(source), query);
  }

  sinkVersions(sink: SinkKey, query: PageQuery): Promise<ListPage<Version>> {
    return this.#versions(sinkVersionPrefix(sink), query);
  }

  sourceVersion(source: SourceKey, number: number): Promise<Version | undefined> {
    return this.#version(sourceVersionPrefix(source) + versionKeyText(number));
  }

  sinkVersion(sink: SinkKey, number: number): Promise<Version | undefined> {
    return this.#version(sinkVersionPrefix(sink) + versionKeyText(number));
  }

  /** The committed revision. `sourceAlreadyExists`, `sourceCountLimitReached`. */
  createSource(source: Source): Promise<number> {
    const sourceKey = sourceKeyOf(source);
    const key = activeSourceKey(sourceKey);
    const branchKey = activeBranchKey(sourceKey);
    return commit(this.#store, async () => {
      const [existing, branch] = await Promise.all([this.#store.get(key), this.#store.get(branchKey)]);
      if (existing !== undefined) throw sourceExists(source.sourceId);
      if (branch === undefined) throw new AppError('invariantBroken', `Branch "${branchKeyText(sourceKey)}" has no record.`);
      if ((await this.#store.count(`${definitionPrefix.activeSource}${branchKeyText(sourceKey)}/`)) >= maxSources) {
        throw new AppError('sourceCountLimitReached', `Source count limit reached in the branch, the maximum is ${maxSources}.`);
      }
      const value = JSON.stringify(source);
      return {
        checks: [
          { key, modRevision: 0 },
          { key: branchKey, modRevision: branch.modRevision },
        ],
        writes: [
          { type: 'put', key: branchKey, value: branch.value },
          { type: 'put', key, value },
          { type: 'put', key: sourceVersionPrefix(sourceKey) + versionKeyText(source.version.number), value },
        ],
      };
    });
  }

  /** The committed revision. `sourceNotFound`, `sinkAlreadyExists`, `sinkCountLimitReached`, and what the hook throws. */
  createSink(sink: Sink, hooks: Pick<DefinitionHooks, 'sinkCreated'>): Promise<number> {
    const sinkKey = sinkKeyOf(sink);
    const key = activeSinkKey(sinkKey);
    const sourceKey = activeSourceKey(sinkKey);
    return commit(this.#store, async () => {
      const [existing, source] = await Promise.all([this.#store.get(key), this.#store.get(sourceKey)]);
      if (source === undefined) throw sourceMissing(sink.sourceId);
      if (existing !== undefined) throw sinkExists(sink.sinkId);
      if ((await this.#store.count(`${definitionPrefix.activeSink}${sourceKeyText(sinkKey)}/`)) >= maxSinks) {
        throw new AppError('sinkCountLimitReached', `Sink count limit reached in the source, the maximum is ${maxSinks}.`);
      }
      const joined = await hooks.sinkCreated(sink);
      const value = JSON.stringify(sink);
      return {
        checks: [{ key, modRevision: 0 }, { key: sourceKey, modRevision: source.modRevision }, ...joined.checks],
        writes: [
          { type: 'put', key: sourceKey, value: source.value },
          { type: 'put', key, value },
          { type: 'put', key: sinkVersionPrefix(sinkKey) + versionKeyText(sink.version.number), value },
          ...joined.writes,
        ],
      };
    });
  }

  async #versions(prefix: string, query: PageQuery): Promise<ListPage<Version>> {
    const { entries, page } = await versionPageOf(this.#store, prefix, query);
    return { items: entries.map(decodeVersion), page };
  }

  async #version(key: string): Promise<Version | undefined> {
    const entry = await this.#store.get(key);
    return entry && decodeVersion(entry);
  }
}
