import { z } from 'zod';
import { formatByteSize } from '../kernel/codec/byte-size.ts';
import { formatDuration } from '../kernel/codec/duration.ts';
import type { FolderOptions, FolderTools } from './folder-command.ts';

const stateAndRows = { state: z.string(), rows: z.int(), damagedRows: z.int() };
const statusSchema = z.object({
  now: z.number(),
  ready: z.boolean(),
  sinks: z.array(
    z.object({
      sink: z.string(),
      rows: z.object({ local: z.int(), staged: z.int(), quarantined: z.int(), imported: z.int(), damaged: z.int(), discarded: z.int() }),
      conservation: z.object({ accepted: z.int(), violations: z.array(z.string()) }),
      oldestAt: z.number().optional(),
      retrying: z.int(),
      retryReasons: z.array(z.string()),
      quarantined: z.array(z.object({ file: z.string(), reason: z.string() })),
      stagedAgain: z.array(z.object({ file: z.string(), reason: z.string() })),
    }),
  ),
  volumes: z.array(
    z.object({
      id: z.string(),
      path: z.string(),
      freeBytes: z.number(),
      totalBytes: z.number(),
      refusal: z.string().optional(),
      lostFolders: z.int(),
    }),
  ),
  files: z
    .array(z.object({ file: z.string(), ...stateAndRows, slices: z.array(z.object({ slice: z.string(), ...stateAndRows })) }))
    .optional(),
});
type Status = z.infer<typeof statusSchema>;

interface StatusOptions extends FolderOptions {
  readonly files?: boolean;
}

/** Where the rows of each sink are, and what needs attention; with --json the whole report. */
export async function printStatus({ ask, out }: FolderTools, { dataDir, json, files }: StatusOptions): Promise<void> {
  const report = await ask({ dataDir, command: 'status', input: { files } });
  if (json === true) {
    out(`${JSON.stringify(report)}\n`);
    return;
  }
  const status = statusSchema.parse(report);
  for (const sink of status.sinks) out(describeSink(sink, status.now));
  for (const file of status.files ?? []) {
    out(`file ${file.file}  ${describeState(file)}\n`);
    for (const slice of file.slices) out(`  slice ${slice.slice}  ${describeState(slice)}\n`);
  }
  if (status.sinks.length === 0) out('no sink has received a row yet\n');
  for (const { id, path, freeBytes, totalBytes, refusal, lostFolders } of status.volumes) {
    out(`volume ${id}  ${megabytes(freeBytes)} of ${megabytes(totalBytes)} free  ${path}\n`);
    if (refusal !== undefined) out(`  REFUSES ROWS: ${refusal}\n`);
    if (lostFolders > 0) out(`  lost+found: ${lostFolders} folders that metadata did not know: see \`sluice fsck\` and its --adopt\n`);
  }
}

type StateAndRows = Pick<NonNullable<Status['files']>[number], 'state' | 'rows' | 'damagedRows'>;

function describeState({ state, rows, damagedRows }: StateAndRows): string {
  return `${state}  ${rows} rows${damagedRows > 0 ? `, ${damagedRows} damaged` : ''}`;
}

function describeSink(
  { sink, rows, conservation, oldestAt, retryReasons, quarantined, stagedAgain }: Status['sinks'][number],
  now: number,
): string {
  const { local, staged, imported, damaged, discarded } = rows;
  const givenUp = discarded > 0 ? `, ${discarded} discarded` : '';
  const oldest =
    oldestAt === undefined ? '' : `, oldest waiting ${formatDuration(Math.max(0, Math.round((now - oldestAt) / 1000)) * 1000)}`;
  const lines = [
    `sink ${sink}  rows: ${local} local, ${staged} staged, ${rows.quarantined} quarantined, ${imported} imported, ${damaged} damaged${givenUp}${oldest}`,
  ];
  for (const violation of conservation.violations)
    lines.push(`  ROWS ARE LOST OR DOUBLED: ${violation}. Keep the data folder as it is and report this`);
  for (const reason of retryReasons) lines.push(`  is retried: ${reason}`);
  for (const { file, reason } of quarantined)
    lines.push(`  in quarantine: ${file}: ${reason} (its rows are kept: mend the cause and \`sluice quarantine retry\` it, or discard it)`);
  for (const { file, reason } of stagedAgain)
    lines.push(`  staged again from its local parts: ${file}: the table engine had refused it: ${reason}`);
  if (damaged > 0) lines.push('  the disk destroyed rows: check it; `sluice fsck` and `sluice status --files` name the places');
  return `${lines.join('\n')}\n`;
}

const megabytes = (bytes: number): string => formatByteSize(Math.floor(bytes / 1024 ** 2) * 1024 ** 2);
