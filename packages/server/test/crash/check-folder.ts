import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { conservationProblems } from '../support/check-conservation.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { type CrashFolder, tables } from './crash-folder.ts';

export interface FolderCheck {
  readonly lost: number;
  readonly doubled: number;
  readonly damaged: number;
  readonly problems: readonly string[];
}

const statusSchema = z.object({
  sinks: z.array(
    z.object({
      sink: z.string(),
      rows: z.object({ local: z.int(), staged: z.int(), quarantined: z.int(), imported: z.int(), damaged: z.int(), discarded: z.int() }),
      retryReasons: z.array(z.string()),
      quarantined: z.array(z.object({ file: z.string(), reason: z.string() })),
    }),
  ),
});
type SinkState = z.infer<typeof statusSchema>['sinks'][number];

const maxSettleMs = 20_000;
const pollMs = 40;

/** Waits until the running service has imported everything, without load, and compares its tables with the client's list. */
export async function checkFolder(folder: CrashFolder): Promise<FolderCheck> {
  const { dataDir, book } = folder;
  const problems: string[] = [];
  const present = new Map<string, readonly number[]>();
  let sinks: readonly SinkState[] = [];
  // What a killed process left is in no figures until it is recovered, so they alone do not prove anything.
  const imported = await waitFor(async () => {
    for (const { sinkId, sql } of tables) present.set(sinkId, await eventsIn(dataDir, sql));
    sinks = await sinkStates(dataDir);
    return tables.every(({ sinkId }) => {
      const rows = rowsOf(sinks, sinkId);
      const events = present.get(sinkId) ?? [];
      return rows && rows.local + rows.staged === 0 && rows.imported === events.length && book.compare(sinkId, events).lost.length === 0;
    });
  });
  if (!imported) problems.push(`not everything is imported after ${maxSettleMs} ms: ${JSON.stringify(sinks)}`);
  for (const { sink, quarantined } of sinks) {
    for (const { file, reason } of quarantined) problems.push(`${sink} has a file in quarantine: ${file}: ${reason}`);
  }
  let lost = 0;
  let doubled = 0;
  let damaged = 0;
  for (const { sinkId } of tables) {
    const rows = rowsOf(sinks, sinkId);
    const events = present.get(sinkId) ?? [];
    const { destroyed, ...difference } = book.compare(sinkId, events);
    lost += difference.lost.length;
    doubled += difference.doubled.length;
    damaged += rows?.damaged ?? 0;
    for (const [kind, wrong] of Object.entries(difference)) {
      if (wrong.length > 0) problems.push(`table ${sinkId}: ${wrong.length} events are ${kind}: ${wrong.slice(0, 10).join(', ')}`);
    }
    if (rows?.imported !== events.length) problems.push(`table ${sinkId} has ${events.length} rows, the service counted ${rows?.imported}`);
    const most = book.spoiledOf(sinkId).size;
    if ((rows?.damaged ?? 0) > most) problems.push(`table ${sinkId}: ${rows?.damaged} rows count as damaged, ${most} were`);
    if (destroyed.length > (rows?.damaged ?? 0) + book.tracelessOf(sinkId)) {
      problems.push(`table ${sinkId}: ${destroyed.length} destroyed rows are missing, ${rows?.damaged} count as damaged`);
    }
  }
  problems.push(...(await conservationProblems(dataDir, { tables, settled: true })));
  return { lost, doubled, damaged, problems };
}

const rowsOf = (sinks: readonly SinkState[], sinkId: string): SinkState['rows'] | undefined =>
  sinks.find(({ sink }) => sink.endsWith(`/${sinkId}`))?.rows;

/** After `checkFolder`: values are whole, ids of rows are unique, the cleanup leaves nothing behind, and fsck finds nothing. */
export async function checkRemains({ dataDir }: CrashFolder): Promise<string[]> {
  const problems: string[] = [];
  const [values] = await queryRows(
    dataDir,
    `SELECT count(*) FILTER (length(pad) <> size::INTEGER), count(*) - count(DISTINCT uid) FROM ${tables[0].sql}`,
  );
  const [cut, sameUid] = values ?? [];
  if (cut !== 0) problems.push(`${cut} rows have a value that is not as it was sent`);
  if (sameUid !== 0) problems.push(`${sameUid} rows have the uuid of another row`);
  let left: string[] = [];
  const gone = await waitFor(async () => {
    left = [...(await rowFiles(join(dataDir, 'volumes'))), ...(await rowFiles(join(dataDir, 'staging', 'data')))];
    return left.length === 0;
  });
  if (!gone) problems.push(`the cleanup left ${left.length} files behind: ${left.slice(0, 5).join(', ')}`);
  const emptied = await waitFor(async () => (await queryRows(dataDir, 'SELECT count(*) FROM main._sluice_imports'))[0]?.[0] === 0);
  if (!emptied) problems.push('the cleanup left rows of the import ledger behind');
  const { code, out } = await runSluice('fsck', dataDir);
  if (code !== 0) problems.push(`fsck ended with ${code}: ${out}`);
  return problems;
}

export async function sinkStates(dataDir: string): Promise<SinkState[]> {
  const answer = await callAdmin(dataDir, 'status', {});
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  return statusSchema.parse(answer.output).sinks;
}

/** The number of the event of each row. */
export async function eventsIn(dataDir: string, table: string): Promise<number[]> {
  const [row] = await queryRows(dataDir, `SELECT coalesce(list(substr(id, 2)::INTEGER), []) FROM ${table}`);
  return z.array(z.int()).parse(row?.[0]);
}

async function waitFor(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + maxSettleMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Files with rows; a part that never got one may stay in an open slice. */
async function rowFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // The cleanup removes folders while they are read: look again.
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!entries) return rowFiles(folder);
  const paths = entries
    .filter((entry) => entry.isFile() && /\.csv\.(?:gz|zst)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0));
  return paths.filter((_, index) => (sizes[index] ?? 0) > 0);
}
