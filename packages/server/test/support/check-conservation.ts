import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { queryRows } from './query.ts';

const statusSchema = z.object({
  sinks: z.array(
    z.object({
      sink: z.string(),
      rows: z.record(z.string(), z.int()),
      conservation: z.object({ accepted: z.int(), violations: z.array(z.string()) }),
    }),
  ),
});

/** A table with the end of its sink's key, `/<sink id>`. `sql`: its quoted name. */
export interface SinkTable {
  readonly sinkId: string;
  readonly sql: string;
}

/**
 * What contradicts the conservation of rows (record path 9) in a running service, at any moment and under load; empty where
 * nothing does. Beside the service's own verdict: the places of a sink sum up to what it accepted, and its table has no fewer
 * rows than the metadata say were imported. `settled`: nothing is on its way, so the table has exactly those.
 */
export async function conservationProblems(
  dataDir: string,
  { tables = [], settled = false }: { readonly tables?: readonly SinkTable[]; readonly settled?: boolean } = {},
): Promise<string[]> {
  const answer = await callAdmin(dataDir, 'status', {});
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  const problems: string[] = [];
  for (const { sink, rows, conservation } of statusSchema.parse(answer.output).sinks) {
    problems.push(...conservation.violations.map((violation) => `${sink}: ${violation}`));
    const found = Object.values(rows).reduce((sum, count) => sum + count, 0);
    if (found !== conservation.accepted)
      problems.push(`${sink}: ${conservation.accepted} rows accepted, ${found} found: ${JSON.stringify(rows)}`);
    const table = tables.find(({ sinkId }) => sink.endsWith(`/${sinkId}`));
    if (!table) continue;
    // Asked after the status: rows come into the table before the metadata say so.
    const [[count] = []] = await queryRows(dataDir, `SELECT count(*) FROM ${table.sql}`);
    const imported = rows['imported'] ?? 0;
    if (Number(count) < imported || (settled && Number(count) !== imported)) {
      problems.push(`${sink}: ${imported} rows are imported by the metadata, the table has ${String(count)}`);
    }
  }
  return problems;
}
