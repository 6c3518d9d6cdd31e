import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { MetadataMirror, type MirrorBatch } from '../../engines/metadata/mirror.ts';
import { errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { decodeSink, decodeSource } from './definition-codec.ts';
import { enabledSinks, type IngestSource } from './ingest-source.ts';
import { definitionPrefix, sourceKeyText } from './keys.ts';
import { type Sink, sinkKeyOf } from './sink.ts';
import { type Source, sourceKeyOf } from './source.ts';
import { SourceLookup } from './source-lookup.ts';

interface DefinitionMirrorDeps {
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told every revision up to which the mirror is complete. */
  readonly onApplied?: (revision: number) => void;
}

type Definition =
  | { readonly type: 'source'; readonly source: Source }
  | { readonly type: 'sink'; readonly sink: Sink }
  | { readonly type: 'other' };

const definitionsPrefix = 'definition/';
const other: Definition = { type: 'other' };

/**
 * Sources and their enabled sinks in memory, in step with the store.
 * One watch covers both, and the changes of one transaction become visible together, so a source never shows half of one.
 */
export class DefinitionMirror {
  readonly #mirror: MetadataMirror<Definition>;
  readonly #lookup: SourceLookup;
  readonly #onApplied: (revision: number) => void;
  /** By source key. */
  readonly #sources = new Map<string, Source>();
  /** By source key, then sink id; disabled sinks included. */
  readonly #sinks = new Map<string, Map<string, Sink>>();
  /** By `projectId/sourceId`: one for each branch. */
  readonly #views = new Map<string, readonly IngestSource[]>();
  /** By project, collected when asked for, forgotten when anything in the project changes. */
  readonly #projects = new Map<number, readonly IngestSource[]>();

  constructor({ store, clock, logger, onApplied = () => {} }: DefinitionMirrorDeps) {
    this.#onApplied = onApplied;
    this.#lookup = new SourceLookup({ store, clock });
    this.#mirror = new MetadataMirror({
      store,
      prefix: definitionsPrefix,
      decode,
      onChange: (batch) => this.#apply(batch),
      onUndecodable: ({ key, error }) => logger.error({ key, error: errorText(error) }, 'a definition cannot be read and is left out'),
      onInterrupted: (interruption) => logger.warn({ ...interruption }, 'definitions are not followed at the moment'),
    });
  }

  /** Resolves when all definitions are in memory. */
  get ready(): Promise<void> {
    return this.#mirror.ready;
  }

  /** Follows the store until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    void this.ready.then(
      () => this.#onApplied(this.#mirror.revision),
      () => {},
    );
    await this.#mirror.run(signal);
  }

  /** Sources of this id in all branches of the project, as far as this node knows. */
  sources(projectId: number, sourceId: string): readonly IngestSource[] {
    return this.#views.get(viewKey(projectId, sourceId)) ?? [];
  }

  /** As `sources`, but one that is unknown here is looked for in the store once. `metadataUnavailable`, `overloaded`. */
  async lookup(projectId: number, sourceId: string): Promise<readonly IngestSource[]> {
    const known = this.sources(projectId, sourceId);
    return known.length > 0 ? known : this.#lookup.find(projectId, sourceId);
  }

  /** All sources of a project that this node knows, of all branches. */
  ofProject(projectId: number): readonly IngestSource[] {
    const collected = this.#projects.get(projectId) ?? [...this.all()].filter(({ source }) => source.projectId === projectId);
    this.#projects.set(projectId, collected);
    return collected;
  }

  /** All sources that this node knows. */
  *all(): IterableIterator<IngestSource> {
    for (const views of this.#views.values()) yield* views;
  }

  #apply({ revision, changes }: MirrorBatch<Definition>): void {
    const touched = new Map<string, Source>();
    for (const change of changes) {
      const definition = change.type === 'put' ? change.entry.value : change.previous.value;
      const isGone = change.type === 'delete';
      if (definition.type === 'source') touched.set(this.#applySource(definition.source, isGone), definition.source);
      if (definition.type === 'sink') {
        const key = this.#applySink(definition.sink, isGone);
        const source = this.#sources.get(key);
        if (source !== undefined) touched.set(key, source);
      }
    }
    for (const source of touched.values()) this.#refresh(source);
    this.#onApplied(revision);
  }

  #applySource(source: Source, isGone: boolean): string {
    const key = sourceKeyText(sourceKeyOf(source));
    if (isGone) this.#sources.delete(key);
    else this.#sources.set(key, source);
    return key;
  }

  #applySink(sink: Sink, isGone: boolean): string {
    const key = sourceKeyText(sinkKeyOf(sink));
    const sinks = this.#sinks.get(key) ?? new Map<string, Sink>();
    if (isGone) sinks.delete(sink.sinkId);
    else sinks.set(sink.sinkId, sink);
    if (sinks.size > 0) this.#sinks.set(key, sinks);
    else this.#sinks.delete(key);
    return key;
  }

  #refresh({ projectId, branchId, sourceId }: Source): void {
    this.#projects.delete(projectId);
    const key = viewKey(projectId, sourceId);
    const others = (this.#views.get(key) ?? []).filter(({ source }) => source.branchId !== branchId);
    const sourceKey = sourceKeyText({ projectId, branchId, sourceId });
    const source = this.#sources.get(sourceKey);
    const views = source === undefined ? others : [...others, { source, sinks: enabledSinks(this.#sinks.get(sourceKey)?.values() ?? []) }];
    if (views.length > 0) this.#views.set(key, views);
    else this.#views.delete(key);
  }
}

const viewKey = (projectId: number, sourceId: string): string => `${projectId}/${sourceId}`;

function decode(key: string, value: string): Definition {
  if (key.startsWith(definitionPrefix.activeSource)) return { type: 'source', source: decodeSource({ key, value }) };
  if (key.startsWith(definitionPrefix.activeSink)) return { type: 'sink', sink: decodeSink({ key, value }) };
  return other;
}
