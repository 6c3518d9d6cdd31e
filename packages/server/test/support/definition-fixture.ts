import type { Column } from '@sluice/contract/mapping';
import type { Sink } from '../../src/features/definitions/sink.ts';
import type { Source } from '../../src/features/definitions/source.ts';

const by = { type: 'user' } as const;
const at = '2026-06-24T10:00:00.000Z';
const common = { projectId: 1, branchId: 1, sourceId: 'events', name: 'name', description: '', created: { at, by } };
const versionOf = (number: number) => ({ number, hash: 'hash', description: '', at, by });

/** An enabled HTTP source `1/1/events`, but for what is given. */
export const sourceFixture = (given: Partial<Source> = {}): Source => ({
  ...common,
  type: 'http',
  secret: { hash: '', sealed: '' },
  version: versionOf(1),
  ...given,
});

interface SinkParts extends Partial<Omit<Sink, 'version'>> {
  readonly sinkId: string;
  readonly columns?: Column[];
  readonly version?: number;
}

/** An enabled sink of that source with one body column, but for what is given. */
export const sinkFixture = ({ columns = [{ type: 'body', name: 'body' }], version = 1, ...given }: SinkParts): Sink => ({
  ...common,
  type: 'table',
  table: { type: 'keboola', tableId: 'in.c-bucket.table', mapping: { columns } },
  version: versionOf(version),
  ...given,
});

export const disabledFixture = { at, by, reason: 'test', directly: true };
