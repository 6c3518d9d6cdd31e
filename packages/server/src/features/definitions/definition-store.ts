import type { Page, PageQuery } from '@sluice/contract/page';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import {
  activeSinkKey,
  activeSourceKey,
  decodeSink,
  decodeSource,
  decodeVersion,
  deletedSinkKey,
  deletedSourceKey,
  sinkVersionPrefix,
  sourceVersionPrefix,
} from './definition-codec.ts';
import { type BranchKey, branchKeyText, definitionPrefix, type SinkKey, type SourceKey, sourceKeyText, versionKeyText } from './keys.ts';
import { pageOf, versionPageOf } from './pagination.ts';
import type { Sink } from './sink.ts';
import type { Source, Version } from './source.ts';

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly page: Page;
}

/** Reads sources and sinks, active or deleted, one or a page of them, and their versions. */
export class DefinitionStore {
  readonly #store: MetadataStore;

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  async source(key: SourceKey): Promise<Source | undefined> {
    const entry = await this.#store.get(activeSourceKey(key));
    return entry && decodeSource(entry);
  }

  async deletedSource(key: SourceKey): Promise<Source | undefined> {
    const entry = await this.#store.get(deletedSourceKey(key));
    return entry && decodeSource(entry);
  }

  async deletedSink(key: SinkKey): Promise<Sink | undefined> {
    const entry = await this.#store.get(deletedSinkKey(key));
    return entry && decodeSink(entry);
  }

  async sink(key: SinkKey): Promise<Sink | undefined> {
    const entry = await this.#store.get(activeSinkKey(key));
    return entry && decodeSink(entry);
  }

  sources(branch: BranchKey, query: PageQuery): Promise<ListPage<Source>> {
    return this.#sources(definitionPrefix.activeSource, branch, query);
  }

  deletedSources(branch: BranchKey, query: PageQuery): Promise<ListPage<Source>> {
    return this.#sources(definitionPrefix.deletedSource, branch, query);
  }

  sinks(source: SourceKey, query: PageQuery): Promise<ListPage<Sink>> {
    return this.#sinks(definitionPrefix.activeSink, source, query);
  }

  deletedSinks(source: SourceKey, query: PageQuery): Promise<ListPage<Sink>> {
    return this.#sinks(definitionPrefix.deletedSink, source, query);
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

  async #sources(prefix: string, branch: BranchKey, query: PageQuery): Promise<ListPage<Source>> {
    const { entries, page } = await pageOf(this.#store, `${prefix}${branchKeyText(branch)}/`, query);
    return { items: entries.map(decodeSource), page };
  }

  async #sinks(prefix: string, source: SourceKey, query: PageQuery): Promise<ListPage<Sink>> {
    const { entries, page } = await pageOf(this.#store, `${prefix}${sourceKeyText(source)}/`, query);
    return { items: entries.map(decodeSink), page };
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
