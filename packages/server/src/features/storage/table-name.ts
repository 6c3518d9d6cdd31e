import type { TableName } from '../../engines/tables/table-engine.ts';
import type { Sink } from '../definitions/sink.ts';

/** Table id `in.c-bucket.table` of a project: schema `in.c-bucket`, table `table`. */
export function tableNameOf(projectId: number, tableId: string): TableName {
  const dot = tableId.lastIndexOf('.');
  return { project: String(projectId), schema: tableId.slice(0, dot), name: tableId.slice(dot + 1) };
}

export const tableNameOfSink = (sink: Sink): TableName => tableNameOf(sink.projectId, sink.table.tableId);
