import { quarantinedFileSchema, quarantineOutcomeSchema } from '@sluice/contract/quarantine';
import { z } from 'zod';
import type { FolderOptions, FolderTools } from './folder-command.ts';

const outcomeTexts: Readonly<Record<z.infer<typeof quarantineOutcomeSchema>['state'], string>> = {
  importing: 'released: the running service stages and imports it again at once, a stopped one when it starts',
  discarding: 'given up: the table engine does not answer, the discard ends when it does',
  discarded: 'discarded',
  imported: 'not discarded: an import was faster, the rows are in the table',
};

/** One line for a file; nothing where none is in quarantine. */
export async function listQuarantine({ ask, out }: FolderTools, { dataDir, json }: FolderOptions): Promise<void> {
  const files = z.array(quarantinedFileSchema).parse(await ask({ dataDir, command: 'quarantine-list', input: {} }));
  if (json === true) {
    out(`${JSON.stringify(files)}\n`);
    return;
  }
  for (const { file, rows, quarantinedAt, reason, isDiscarding } of files) {
    out(`${file}  ${rows} rows  since ${quarantinedAt}${isDiscarding ? '  is being discarded' : ''}\n  ${reason}\n`);
  }
}

interface DecisionOptions extends FolderOptions {
  readonly decision: 'retry' | 'discard';
  readonly file: string;
}

export async function decideQuarantine({ ask, out }: FolderTools, { decision, file, dataDir, json }: DecisionOptions): Promise<void> {
  const outcome = quarantineOutcomeSchema.parse(await ask({ dataDir, command: `quarantine-${decision}`, input: { file } }));
  out(json === true ? `${JSON.stringify(outcome)}\n` : `${outcome.file}  ${outcome.rows} rows  ${outcomeTexts[outcome.state]}\n`);
}
