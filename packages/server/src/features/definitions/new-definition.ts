import type { CreateSink } from '@sluice/contract/sink';
import type { CreateSource } from '@sluice/contract/source';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { StoredSecret } from '../accounts/secret-vault.ts';
import { toColumns } from './column-rules.ts';
import { entityHash } from './entity-hash.ts';
import type { BranchKey, SourceKey } from './keys.ts';
import type { Sink } from './sink.ts';
import { entityIdOf } from './slug.ts';
import type { Actor, Source } from './source.ts';
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
  if (type !== 'http') throw new AppError('badRequest', `Sources of the type "${type}" are not available yet, please use "http".`);
  return { ...branch, sourceId: id, type, name, description };
}

export function newSource(content: SourceContent, { secret, stamp }: { readonly secret: StoredSecret; readonly stamp: Stamp }): Source {
  const { projectId, branchId, sourceId, type, name, description } = content;
  const entity = { projectId, branchId, sourceId, type, name, description, secret };
  return { ...entity, version: firstVersion(entity, { description: 'New source.', ...stamp }), created: stamp };
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

export function newSink(content: SinkContent, stamp: Stamp): Sink {
  return { ...content, version: firstVersion(content, { description: 'New sink.', ...stamp }), created: stamp };
}

function firstVersion(entity: object, { description, at, by }: Stamp & { readonly description: string }): Source['version'] {
  return { number: 1, hash: entityHash(entity), description, at, by };
}
