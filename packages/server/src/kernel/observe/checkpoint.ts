/**
 * A named moment of the record path. The product passes through it without effect;
 * the crash suites inject a function that ends the process there.
 */
export type Checkpoint = (name: CheckpointName) => void;

/** The named points, in the order in which a row passes them. */
export const checkpointNames = [
  'part.beforeWrite',
  'part.afterWrite',
  'part.afterSync',
  'metadata.beforeCommit',
  'metadata.afterCommit',
  'slice.beforeSeal',
  'slice.afterSeal',
  'upload.beforePut',
  'upload.afterPut',
  'import.afterLedger',
  'import.beforeCommit',
  'import.afterCommit',
  'cleanup.afterLocal',
  'cleanup.afterObjects',
  'cleanup.afterLedger',
] as const;

export type CheckpointName = (typeof checkpointNames)[number];

export const noCheckpoint: Checkpoint = () => {};
