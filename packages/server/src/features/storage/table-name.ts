import type { TableName } from '../../engines/tables/table-engine.ts';
import type { BranchKey } from '../definitions/keys.ts';
import type { Sink } from '../definitions/sink.ts';

/** The engine's namespace for the tables of a branch: that of the project for branch 1, and one more for each further branch. */
export const tableSpaceOf = ({ projectId, branchId }: BranchKey): string => (branchId === 1 ? `${projectId}` : `${projectId}-${branchId}`);

/** Table id `in.c-bucket.table` of a branch: schema `in.c-bucket`, table `table`. */
export function tableNameOf(branch: BranchKey, tableId: string): TableName {
  const dot = tableId.lastIndexOf('.');
  return { project: tableSpaceOf(branch), schema: tableId.slice(0, dot), name: tableId.slice(dot + 1) };
}

export const tableNameOfSink = (sink: Sink): TableName => tableNameOf(sink, sink.table.tableId);
