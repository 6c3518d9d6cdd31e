import type { UpdateSink } from '@sluice/contract/sink';
import type { UpdateSource } from '@sluice/contract/source';
import { toColumns } from './column-rules.ts';
import { assertSourceType } from './new-definition.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';
import { parseTableId } from './table-id.ts';

/** The source with what the request changes; the id never does. `badRequest`. */
export function patchedSource(source: Source, { type = source.type, name, description }: UpdateSource): Source {
  assertSourceType(type);
  return { ...source, ...(name !== undefined && { name }), ...(description !== undefined && { description }) };
}

/** The sink with what the request changes: a given mapping replaces all columns, an empty list of signals clears it. `badRequest`. */
export function patchedSink(sink: Sink, request: UpdateSink): Sink {
  const { allowedSignals: signalsBefore = [], ...kept } = sink;
  const { name, description, table = {} } = request;
  const signals = new Set(request.allowedSignals ?? signalsBefore);
  const tableId = table.tableId ?? sink.table.tableId;
  parseTableId(tableId);
  const columns = table.mapping === undefined ? sink.table.mapping.columns : toColumns(table.mapping.columns);
  return {
    ...kept,
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(signals.size > 0 && { allowedSignals: [...signals] }),
    table: { type: sink.table.type, tableId, mapping: { columns } },
  };
}

/** Whether rows of the two go to another table, or need other columns of it. */
export function targetDiffers(one: Sink, two: Sink): boolean {
  const columnsOf = ({ table }: Sink) => JSON.stringify(table.mapping.columns.map(({ name }) => name));
  return one.table.tableId !== two.table.tableId || columnsOf(one) !== columnsOf(two);
}
