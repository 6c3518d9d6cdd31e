import { z } from 'zod';
import type { BranchKey } from '../../src/features/definitions/keys.ts';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';

const resultSchema = z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) });

/** Rows of a read-only statement on the tables of a running service, through its admin socket, as `sluice query` asks. */
export async function queryRows(dataDir: string, sql: string, branch?: BranchKey): Promise<unknown[][]> {
  const answer = await callAdmin(dataDir, 'query', { project: branch?.projectId ?? 1, branch: branch?.branchId ?? 1, sql });
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  return resultSchema.parse(answer.output).rows;
}
