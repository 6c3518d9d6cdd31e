import { createHash } from 'node:crypto';
import { sinkKeyText } from '../../definitions/keys.ts';
import type { File } from './file.ts';
import type { Slice } from './slice.ts';

/** Metadata keys of storage. Times in keys are fixed-width UTC texts, so byte order is time order. */
export const storagePrefix = {
  all: 'storage/',
  file: 'storage/file/',
  slice: 'storage/slice/',
  fileSlice: 'storage/file-slice/',
  volume: 'storage/volume/',
  stats: 'storage/stats/',
  statisticsReset: 'storage/statistics-reset/',
} as const;

/** `<project>/<branch>/<source>/<sink>` of a file or slice. */
export const sinkTextOf = (entity: Pick<File | Slice, 'sink'>): string => sinkKeyText(entity.sink);

/** `<project>/<branch>/<source>/<sink>/<opened at>` */
export const fileKeyText = (file: Pick<File, 'sink' | 'openedAt'>): string => `${sinkKeyText(file.sink)}/${file.openedAt}`;

/** `<project>/<branch>/<source>/<sink>/<volume>/<opened at>`. The file is a field, so that a slice can move to another file. */
export const sliceKeyText = (slice: Pick<Slice, 'sink' | 'volumeId' | 'openedAt'>): string =>
  `${sinkKeyText(slice.sink)}/${slice.volumeId}/${slice.openedAt}`;

export const fileMetadataKey = (fileKey: string): string => `${storagePrefix.file}${fileKey}`;
export const sliceMetadataKey = (sliceKey: string): string => `${storagePrefix.slice}${sliceKey}`;
export const fileSliceMetadataKey = (fileKey: string, sliceKey: string): string => `${storagePrefix.fileSlice}${fileKey}/${sliceKey}`;
/** Live statistics of an open slice. */
export const sliceStatsMetadataKey = (sliceKey: string): string => `${storagePrefix.stats}${sliceKey}`;
/** Figures of the sink's files whose records are gone. */
export const sinkSumMetadataKey = (sinkKey: string): string => `${storagePrefix.stats}${sinkKey}/_sum`;

/** What statistics of the sink leave out: its target figures when they were cleared. */
export const statisticsResetMetadataKey = (sinkKey: string): string => `${storagePrefix.statisticsReset}${sinkKey}`;

/** The slice's folder below its volume: the key with `:` and `.` of the time replaced, without the volume. */
export const sliceFolder = (slice: Pick<Slice, 'sink' | 'openedAt'>): string =>
  `${sinkKeyText(slice.sink)}/${slice.openedAt.replaceAll(/[:.]/g, '-')}`;

export type SliceName = Pick<Slice, 'sink' | 'openedAt'>;

/** The inverse of `sliceFolder`; undefined where the path is not that of a slice. */
export function parseSliceFolder(path: string): SliceName | undefined {
  const found = /^(\d{1,15})\/(\d{1,15})\/([^/]+)\/([^/]+)\/(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3}Z)$/.exec(path);
  if (!found) return undefined;
  const [, projectId, branchId, sourceId = '', sinkId = '', hour, minute, second, rest] = found;
  const sink = { projectId: Number(projectId), branchId: Number(branchId), sourceId, sinkId };
  return { sink, openedAt: `${hour}:${minute}:${second}.${rest}` };
}

/** The folder of a slice's staged objects; one object for each upload attempt. Object keys are ASCII, ids need not be. */
export const objectFolder = (slice: Pick<Slice, 'sink' | 'volumeId' | 'openedAt'>): string =>
  `${sliceFolder(slice).replaceAll(/[^A-Za-z0-9._/-]/g, '_')}-${slice.volumeId}-${createHash('sha256').update(sliceKeyText(slice)).digest('hex').slice(0, 8)}`;
