import { join } from 'node:path';
import type { MetadataWrite } from '../../../src/engines/metadata/metadata-store.ts';
import { openMetadataStore } from '../../../src/engines/metadata/registry.ts';
import { decodeSink, decodeSource } from '../../../src/features/definitions/definition-codec.ts';
import { putSink, putSource } from '../../../src/features/definitions/entity-writes.ts';
import { definitionPrefix } from '../../../src/features/definitions/keys.ts';
import type { Sink } from '../../../src/features/definitions/sink.ts';
import type { Source } from '../../../src/features/definitions/source.ts';
import type { ApiClient } from '../../support/api-client.ts';
import { columnsOf } from '../ingest/bench-event.ts';

export const tree = { sources: 100, sinks: 20, versions: 50 } as const;
export const sourceId = (index: number): string => `source-${String(index).padStart(3, '0')}`;
export const sinkId = (index: number): string => `sink-${String(index).padStart(2, '0')}`;

const atOnce = 8;

/** All sources of the branch with all their sinks, as clients create them. */
export async function createTree(api: ApiClient): Promise<void> {
  const left = Array.from({ length: tree.sources }, (_, index) => sourceId(index)).values();
  const client = async () => {
    for (const source of left) {
      await api.createSource(source);
      for (let index = 0; index < tree.sinks; index += 1) {
        const id = sinkId(index);
        await api.createTableSink(source, { sinkId: id, tableId: `in.c-${source}.${id}`, columns: columnsOf(5) });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
}

/**
 * Gives every source and sink of a stopped service its versions. Written to metadata as the service writes them: 103,000 updates, each with
 * a file of its own, would take the better part of an hour.
 */
export async function addVersions(dataDir: string): Promise<void> {
  await using store = await openMetadataStore({ kind: 'sqlite', file: join(dataDir, 'metadata.db') });
  const entriesOf = async (prefix: string) => {
    const { entries, more } = await store.range({ prefix, limit: 1000 });
    const rest = [...entries];
    for (let page = { entries, more }; page.more; rest.push(...page.entries)) {
      page = await store.range({ prefix, limit: 1000, after: rest.at(-1)?.key ?? prefix });
    }
    return rest;
  };
  const versionsOf = <Entity extends Source | Sink>(entity: Entity): Entity[] =>
    Array.from({ length: tree.versions - 1 }, (_, index) => ({ ...entity, version: { ...entity.version, number: index + 2 } }));
  const histories = [
    ...(await entriesOf(definitionPrefix.activeSource)).map((entry) => versionsOf(decodeSource(entry)).map(putSource)),
    ...(await entriesOf(definitionPrefix.activeSink)).map((entry) => versionsOf(decodeSink(entry)).map(putSink)),
  ];
  for (const history of histories) {
    // The active record, which each of them has, is that of the last.
    const writes = new Map<string, MetadataWrite>(history.flat().map((write) => [write.key, write]));
    await store.transact({ checks: [], writes: [...writes.values()] });
  }
}
