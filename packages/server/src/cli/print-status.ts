import { z } from 'zod';
import { formatByteSize } from '../kernel/codec/byte-size.ts';
import { formatDuration } from '../kernel/codec/duration.ts';
import type { FolderOptions, FolderTools } from './folder-command.ts';

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
});
type Status = z.infer<typeof statusSchema>;

/** Where the rows of each sink are, and what needs attention; with --json the whole report. */
export async function printStatus({ ask, out }: FolderTools, { dataDir, json }: FolderOptions): Promise<void> {
  const report = await ask({ dataDir, command: 'status', input: {} });
  if (json === true) {
    out(`${JSON.stringify(report)}\n`);
    return;
  }
  const status = statusSchema.parse(report);
  for (const sink of status.sinks) out(describeSink(sink, status.now));
  if (status.sinks.length === 0) out('no sink has received a row yet\n');
  for (const { id, path, freeBytes, totalBytes, refusal, lostFolders } of status.volumes) {
    out(`volume ${id}  ${megabytes(freeBytes)} of ${megabytes(totalBytes)} free  ${path}\n`);
    if (refusal !== undefined) out(`  REFUSES ROWS: ${refusal}\n`);
    if (lostFolders > 0) out(`  lost+found: ${lostFolders} folders that metadata did not know: see \`sluice fsck\` and its --adopt\n`);
  }
}

function describeSink({ sink, rows, conservation, oldestAt, retryReasons, quarantined }: Status['sinks'][number], now: number): string {
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
  if (damaged > 0) lines.push('  the disk destroyed rows: check it, and see the log for the slices');
  return `${lines.join('\n')}\n`;
}

const megabytes = (bytes: number): string => formatByteSize(Math.floor(bytes / 1024 ** 2) * 1024 ** 2);
