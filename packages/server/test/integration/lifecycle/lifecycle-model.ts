/**
 * What the configuration API promises about the life of sources and sinks, as simple as it can be said: records in memory, one
 * function for each operation, which answers with the success text of the task or the code of the error.
 */
interface ModelContent {
  readonly name: string;
  /** The one setting that is overridden, where it is. */
  readonly count: number | undefined;
  /** Of sources: counts the secrets of the world. */
  readonly secret: number;
  /** Of sinks. */
  readonly tableId: string;
}

interface ModelVersion {
  readonly content: ModelContent;
  readonly description: string;
}

type Addressee = 'itself' | 'source';

export interface ModelEntity {
  content: ModelContent;
  /** Version 1 first. */
  versions: ModelVersion[];
  createdAt: string;
  disabled: { readonly by: Addressee; readonly at: string } | undefined;
  deleted: { readonly by: Addressee; readonly at: string } | undefined;
}

export type ModelAnswer = { readonly result: string } | { readonly error: string };

export class LifecycleModel {
  /** By id, and by `<source>/<sink>`; deleted ones too. */
  readonly sources = new Map<string, ModelEntity>();
  readonly sinks = new Map<string, ModelEntity>();
  readonly dropped: string[] = [];
  #secrets = 0;
  now = '';

  createSource(id: string, name: string): ModelAnswer {
    const before = this.sources.get(id);
    if (before && !before.deleted) return { error: 'sourceAlreadyExists' };
    this.sources.set(id, this.#created(before, { name, count: undefined, secret: this.#newSecret(), tableId: '' }, 'New source.'));
    return { result: 'Source has been created successfully.' };
  }

  createSink(source: string, id: string, { name, tableId }: { readonly name: string; readonly tableId: string }): ModelAnswer {
    if (!this.#activeSource(source)) return { error: 'sourceNotFound' };
    const before = this.sinks.get(`${source}/${id}`);
    if (before && !before.deleted) return { error: 'sinkAlreadyExists' };
    this.sinks.set(`${source}/${id}`, this.#created(before, { name, count: undefined, secret: 0, tableId }, 'New sink.'));
    return { result: 'Sink has been created successfully.' };
  }

  changeSource(id: string, change: Partial<ModelContent>): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    const isSettings = 'count' in change;
    next(source, { ...source.content, ...change }, isSettings ? 'Updated settings.' : 'Updated.');
    return { result: isSettings ? 'Source settings have been updated successfully.' : 'Source has been updated successfully.' };
  }

  changeSink(source: string, id: string, change: Partial<ModelContent>): ModelAnswer {
    const isSettings = 'count' in change;
    // An update does not look for the source.
    if (isSettings && !this.#activeSource(source)) return { error: 'sourceNotFound' };
    const sink = this.#activeSink(source, id);
    if (!sink) return { error: 'sinkNotFound' };
    next(sink, { ...sink.content, ...change }, isSettings ? 'Updated settings.' : 'Updated.');
    return { result: isSettings ? 'Sink settings have been updated successfully.' : 'Sink has been updated successfully.' };
  }

  rotate(id: string): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    next(source, { ...source.content, secret: this.#newSecret() }, 'Rotated secret.');
    return { result: '' };
  }

  disableSource(id: string): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    if (!source.disabled) {
      this.#disable(source);
      for (const sink of this.#sinksOf(id)) if (!sink.deleted && !sink.disabled) sink.disabled = { by: 'source', at: this.now };
    }
    return { result: 'Source has been disabled successfully.' };
  }

  enableSource(id: string): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    if (source.disabled) {
      this.#enable(source);
      for (const sink of this.#sinksOf(id)) if (!sink.deleted && sink.disabled?.by === 'source') sink.disabled = undefined;
    }
    return { result: 'Source has been enabled successfully.' };
  }

  disableSink(source: string, id: string): ModelAnswer {
    const sink = this.#found(source, id);
    if ('error' in sink) return sink;
    if (!sink.disabled) this.#disable(sink);
    return { result: 'Sink has been disabled successfully.' };
  }

  enableSink(source: string, id: string): ModelAnswer {
    const sink = this.#found(source, id);
    if ('error' in sink) return sink;
    if (sink.disabled?.by === 'itself') this.#enable(sink);
    return { result: 'Sink has been enabled successfully.' };
  }

  deleteSource(id: string): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    source.deleted = { by: 'itself', at: this.now };
    for (const sink of this.#sinksOf(id)) sink.deleted ??= { by: 'source', at: this.now };
    return { result: 'Source has been deleted successfully.' };
  }

  deleteSink(source: string, id: string): ModelAnswer {
    const sink = this.#found(source, id);
    if ('error' in sink) return sink;
    sink.deleted = { by: 'itself', at: this.now };
    return { result: 'Sink has been deleted successfully.' };
  }

  cascadeDelete(id: string): ModelAnswer {
    if (!this.#activeSource(id)) return { error: 'sourceNotFound' };
    const tables = this.#sinksOf(id).map(({ content }) => content.tableId);
    for (const key of [...this.sinks.keys()]) if (key.startsWith(`${id}/`)) this.sinks.delete(key);
    this.sources.delete(id);
    const shared = [...this.sinks.values()].filter(({ deleted }) => !deleted).map(({ content }) => content.tableId);
    this.dropped.push(...new Set(tables.filter((tableId) => !shared.includes(tableId))));
    return { result: 'Source and its destination tables and bucket have been deleted.' };
  }

  undeleteSource(id: string): ModelAnswer {
    const source = this.sources.get(id);
    if (!source?.deleted) return { error: 'deletedSourceNotFound' };
    this.#undelete(source);
    for (const sink of this.#sinksOf(id)) if (sink.deleted?.by === 'source') sink.deleted = undefined;
    return { result: 'Source has been undeleted successfully.' };
  }

  undeleteSink(source: string, id: string): ModelAnswer {
    if (!this.#activeSource(source)) return { error: 'sourceNotFound' };
    const sink = this.sinks.get(`${source}/${id}`);
    if (!sink?.deleted) return { error: 'deletedSinkNotFound' };
    if (sink.deleted.by === 'itself') this.#undelete(sink);
    return { result: 'Sink has been undeleted successfully.' };
  }

  rollbackSource(id: string, number: number): ModelAnswer {
    const source = this.#activeSource(id);
    if (!source) return { error: 'sourceNotFound' };
    return rollback(source, number) ? { result: 'Source version was rolled back successfully.' } : { error: 'sourceVersionNotFound' };
  }

  rollbackSink(source: string, id: string, number: number): ModelAnswer {
    const sink = this.#found(source, id);
    if ('error' in sink) return sink;
    return rollback(sink, number) ? { result: 'Sink version was rolled back successfully.' } : { error: 'sinkVersionNotFound' };
  }

  #activeSource(id: string): ModelEntity | undefined {
    const source = this.sources.get(id);
    return source?.deleted ? undefined : source;
  }

  #activeSink(source: string, id: string): ModelEntity | undefined {
    const sink = this.sinks.get(`${source}/${id}`);
    return sink?.deleted ? undefined : sink;
  }

  #found(source: string, id: string): ModelEntity | { readonly error: string } {
    if (!this.#activeSource(source)) return { error: 'sourceNotFound' };
    return this.#activeSink(source, id) ?? { error: 'sinkNotFound' };
  }

  #sinksOf(source: string): ModelEntity[] {
    return [...this.sinks].flatMap(([key, sink]) => (key.startsWith(`${source}/`) ? [sink] : []));
  }

  #newSecret(): number {
    this.#secrets += 1;
    return this.#secrets;
  }

  #created(before: ModelEntity | undefined, content: ModelContent, description: string): ModelEntity {
    const versions = [...(before?.versions ?? []), { content, description }];
    return { content, versions, createdAt: before?.createdAt ?? this.now, disabled: undefined, deleted: undefined };
  }

  #disable(entity: ModelEntity): void {
    entity.disabled = { by: 'itself', at: this.now };
    next(entity, entity.content, 'Disabled.');
  }

  #enable(entity: ModelEntity): void {
    entity.disabled = undefined;
    next(entity, entity.content, 'Enabled.');
  }

  #undelete(entity: ModelEntity): void {
    entity.deleted = undefined;
    next(entity, entity.content, `Undeleted to version "${entity.versions.length}".`);
  }
}

function next(entity: ModelEntity, content: ModelContent, description: string): void {
  entity.content = content;
  entity.versions.push({ content, description });
}

function rollback(entity: ModelEntity, number: number): boolean {
  const target = entity.versions[number - 1];
  if (target) next(entity, target.content, `Rollback to version "${number}".`);
  return target !== undefined;
}
