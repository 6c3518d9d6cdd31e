import { z } from 'zod';
import { type ExitCode, exitCodes } from '../kernel/lifecycle/exit-code.ts';
import type { FolderOptions, FolderTools } from './folder-command.ts';

const reportSchema = z.object({
  hours: z.int(),
  unproven: z.int(),
  sessions: z.int(),
  ranges: z.int(),
  problems: z.int(),
  found: z.array(z.string()),
});

/** Adds all ranges again. 0: they give what is billed; 1: they do not. */
export async function verifyUsage({ ask, out }: FolderTools, { dataDir, json }: FolderOptions): Promise<ExitCode> {
  const report = reportSchema.parse(await ask({ dataDir, command: 'usage-verify', input: {} }));
  const { hours, unproven, sessions, ranges, problems, found } = report;
  if (json === true) out(`${JSON.stringify(report)}\n`);
  else {
    for (const problem of found) out(`${problem}\n`);
    if (problems > found.length) out(`and ${problems - found.length} more\n`);
    if (unproven > 0) out(`${unproven} hours are older than ranges are kept: nothing can be said of them\n`);
    const verdict = problems === 0 ? 'the sums are right' : `${problems} problems`;
    out(`${hours - unproven} hours of users, ${sessions} sessions, ${ranges} ranges: ${verdict}\n`);
  }
  return problems === 0 ? exitCodes.clean : exitCodes.failure;
}
