import { AppError } from '../../kernel/errors/app-error.ts';

export interface TableIdParts {
  readonly stage: 'in' | 'out' | 'sys';
  readonly bucket: string;
  readonly table: string;
}

const stages = ['in', 'out', 'sys'] as const;

/** Parts of `<stage>.<bucket>.<table>`; `badRequest` with the reason otherwise. */
export function parseTableId(tableId: string): TableIdParts {
  const parts = tableId.split('.');
  const [given, bucket, table] = parts;
  if (parts.length !== 3) throw invalid(tableId, `expected "<stage>.<bucket>.<table>", found ${parts.length} parts`);
  if (!given || !bucket || !table) throw invalid(tableId, 'stage, bucket and table must not be empty');
  if (tableId.includes('\0') || !tableId.isWellFormed()) throw invalid(tableId, 'it has a character that no table name can hold');
  const stage = stages.find((name) => name === given);
  if (stage === undefined) throw invalid(tableId, `stage must be one of "${stages.join('", "')}", found "${given}"`);
  return { stage, bucket, table };
}

const invalid = (tableId: string, reason: string): AppError =>
  new AppError('badRequest', `Invalid "tableId" value "${tableId}": ${reason}`);
