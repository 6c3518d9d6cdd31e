import { z } from 'zod';
import { timestamp } from './fields.ts';
import { pageSchema } from './page.ts';

/** A file that the table engine refused for good. `rows` were acknowledged and wait for a decision. */
export const quarantinedFileSchema = z
  .object({
    /** Key of the file: `<projectId>/<branchId>/<sourceId>/<sinkId>/<opened at>`. */
    file: z.string(),
    sourceId: z.string(),
    sinkId: z.string(),
    tableId: z.string(),
    rows: z.int(),
    quarantinedAt: timestamp,
    reason: z.string(),
    /** A discard that has begun and is not ended: the table engine has not answered yet. */
    isDiscarding: z.boolean(),
  })
  .meta({ id: 'QuarantinedFile' });
export type QuarantinedFile = z.infer<typeof quarantinedFileSchema>;

export const quarantineSchema = z
  .object({ projectId: z.int(), branchId: z.int(), page: pageSchema, files: z.array(quarantinedFileSchema) })
  .meta({ id: 'Quarantine' });

export const quarantineRequestSchema = z.object({ file: z.string().min(1) }).meta({ id: 'QuarantineRequest' });

/** What became of a file. `imported` after a discard: an import was faster, and its rows are in the table. */
export const quarantineOutcomeSchema = z
  .object({ file: z.string(), rows: z.int(), state: z.enum(['importing', 'discarding', 'discarded', 'imported']) })
  .meta({ id: 'QuarantineOutcome' });
export type QuarantineOutcome = z.infer<typeof quarantineOutcomeSchema>;
