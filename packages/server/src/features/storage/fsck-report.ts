import { z } from 'zod';

/** What a check found that is not as it should be. Offsets and lengths in bytes. */
const findingSchema = z.object({
  type: z.enum([
    /** Rows that the disk destroyed, below a sealed length or before the end of an open part. */
    'damagedMember',
    /** The unfinished end of an unsealed part: nobody was promised it, and the next start or a repair cuts it off. */
    'tornTail',
    /** Metadata has the part, the volume has not. */
    'missingPart',
    /** No damage, but other rows than were counted at sealing. */
    'rowsDiffer',
    /** Metadata calls the local parts removed; they are there. */
    'removedSlice',
    'unknownFolder',
    'unknownFile',
    /** In `lost+found`: taken back by an adoption. */
    'lostFolder',
    /** Slices stand on a volume that is not there. */
    'missingVolume',
  ]),
  volume: z.string(),
  /** Relative to the volume. */
  path: z.string(),
  offset: z.int().optional(),
  length: z.int().optional(),
  /** Rows concerned; absent where nobody can tell. */
  rows: z.int().optional(),
  /** Only of `rowsDiffer`. */
  expectedRows: z.int().optional(),
  /** Set right by this run. */
  repaired: z.boolean().optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/** One stretch of a check; `next` is the cursor of the stretch that follows. */
export const fsckStretchSchema = z.object({
  findings: z.array(findingSchema),
  slices: z.int(),
  parts: z.int(),
  bytes: z.int(),
  /** Slices that a running writer appends to: checked up to what is durable. */
  openSlices: z.int(),
  /** How far the whole check is, in slices. */
  progress: z.object({ done: z.int(), total: z.int() }),
  next: z.string().optional(),
});
export type FsckStretch = z.infer<typeof fsckStretchSchema>;

export const adoptionSchema = z.object({
  volume: z.string(),
  /** Of the folder before it was moved to `lost+found`. */
  path: z.string(),
  adopted: z.boolean(),
  /** Key of the slice, or why the folder stays where it is. */
  note: z.string(),
});
export type Adoption = z.infer<typeof adoptionSchema>;
