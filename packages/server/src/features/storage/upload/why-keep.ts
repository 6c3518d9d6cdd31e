import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import { isAsUploaded } from '../object-checksum.ts';
import type { Slice, SliceObject } from '../state/slice.ts';
import type { SliceReading } from './read-slice.ts';

interface StagedAgain {
  readonly slice: Slice & { readonly state: 'uploading' };
  /** What was staged before and refused. */
  readonly object: SliceObject;
  /** Of the local parts, now. */
  readonly reading: Pick<SliceReading, 'figures' | 'missingParts'>;
}

/**
 * Why the object of the upload before is better than a new one; undefined where it is not. Rows that are good in staging are never
 * given up for damaged local ones, and what nobody can read locally any more is left as it is for an operator.
 */
export async function whyKeep(objects: ObjectStore, { slice, object, reading }: StagedAgain): Promise<string | undefined> {
  if (reading.missingParts > 0) return 'local parts are gone';
  if (reading.figures.goodRows >= slice.figures.goodRows || object.isLinked === true) return undefined;
  return (await isAsUploaded(objects, object)) !== false ? 'local parts are damaged since the upload, the object is not' : undefined;
}
