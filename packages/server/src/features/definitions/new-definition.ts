import type { CreateSink } from '@sluice/contract/sink';
import type { CreateSource } from '@sluice/contract/source';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { StoredSecret } from '../accounts/secret-vault.ts';
import { toColumns } from './column-rules.ts';
import { entityHash } from './entity-hash.ts';
import type { BranchKey, SourceKey } from './keys.ts';
import type { Sink } from './sink.ts';
import { entityIdOf } from './slug.ts';
import type { Actor, Source, Version } from './source.ts';
import { parseTableId } from './table-id.ts';

/** When and by whom. */
export interface Stamp {
  readonly at: string;
  readonly by: Actor;
}

export type SourceContent = Omit<Source, 'version' | 'created' | 'secret'>;
export type SinkContent = Omit<Sink, 'version' | 'created'>;

/** What a request to create a source asks for. `badRequest`. */
export function sourceContent(branch: BranchKey, { sourceId, type, name, description = '' }: CreateSource): SourceContent {
  const id = entityIdOf({ field: 'sourceId', given: sourceId, name });
  assertSourceType(type);
  return { ...branch, sourceId: id, type, name, description };
}

export function assertSourceType(type: CreateSource['type']): asserts type is Source['type'] {
  if (type !== 'http') throw new AppError('badRequest', `Sources of the type "${type}" are not available yet, please use "http".`);
}

interface NewSource {
  readonly secret: StoredSecret;
  readonly stamp: Stamp;
  /** The deleted source of the same id: the new one goes on with its history. */
  readonly deleted?: Source | undefined;
}

export function newSource(content: SourceContent, { secret, stamp, deleted }: NewSource): Source {
  const { projectId, branchId, sourceId, type, name, description } = content;
  const entity = { projectId, branchId, sourceId, type, name, description, secret };
  return { ...entity, version: versionOfNew(entity, { description: 'New source.', stamp, deleted }), created: deleted?.created ?? stamp };
}

/** What a request to create a sink asks for. `badRequest`. */
export function sinkContent(source: SourceKey, request: CreateSink): SinkContent {
  const { sinkId, type, name, description = '', allowedSignals = [], table } = request;
  const id = entityIdOf({ field: 'sinkId', given: sinkId, name });
  if (table === undefined) throw new AppError('badRequest', '"table" must be configured for the "table" sink type.');
  parseTableId(table.tableId);
  const columns = toColumns(table.mapping.columns);
  const signals = allowedSignals.length > 0 ? { allowedSignals: [...new Set(allowedSignals)] } : {};
  const head = { ...source, sinkId: id, type, name, description, ...signals };
  return { ...head, table: { type: table.type, tableId: table.tableId, mapping: { columns } } };
}

interface NewSink {
  readonly stamp: Stamp;
  /** As of a source. */
  readonly deleted?: Sink | undefined;
}

export function newSink(content: SinkContent, { stamp, deleted }: NewSink): Sink {
  return { ...content, version: versionOfNew(content, { description: 'New sink.', stamp, deleted }), created: deleted?.created ?? stamp };
}

interface NewVersion {
  readonly description: string;
  readonly stamp: Stamp;
  readonly deleted: Source | Sink | undefined;
}

function versionOfNew(entity: object, { description, stamp: { at, by }, deleted }: NewVersion): Version {
  return { number: (deleted?.version.number ?? 0) + 1, hash: entityHash(entity), description, at, by };
}
