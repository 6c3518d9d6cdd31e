import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';

const resultSchema = z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) });

/** Rows of a read-only statement on the tables of a running service, through its admin socket, as `sluice query` asks. */
export async function queryRows(dataDir: string, sql: string): Promise<unknown[][]> {
  const answer = await callAdmin(dataDir, 'query', { project: '1', sql });
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  return resultSchema.parse(answer.output).rows;
}
