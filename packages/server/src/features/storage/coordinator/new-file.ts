import { randomBytes } from 'node:crypto';
import type { MetadataCheck, MetadataWrite } from '../../../engines/metadata/metadata-store.ts';
import type { Sink } from '../../definitions/sink.ts';
import type { File, FileSettings } from '../state/file.ts';
import type { Slice } from '../state/slice.ts';
import { fileKeyText, fileMetadataKey, fileSliceMetadataKey, sliceKeyText, sliceMetadataKey } from '../state/storage-keys.ts';

/** A file as it begins, with everything of the sink and the service that must not change under it. */
export function newFile(sink: Sink, openedAt: string, settings: FileSettings): File {
  const { projectId, branchId, sourceId, sinkId } = sink;
  return {
    sink: { projectId, branchId, sourceId, sinkId },
    openedAt,
    sinkVersion: sink.version.number,
    tableId: sink.table.tableId,
    columns: sink.table.mapping.columns.map((column) => column.name),
    settings,
    importId: randomBytes(16).toString('hex'),
    state: 'writing',
  };
}

/** The slices of a file need not have one codec: the setting may have changed since the file was opened. */
export function newSlice(file: File, place: Pick<Slice, 'volumeId' | 'openedAt' | 'codec'>): Slice {
  const { sink, sinkVersion } = file;
  const { volumeId, openedAt, codec } = place;
  const { sync } = file.settings;
  return { sink, volumeId, openedAt, file: fileKeyText(file), sinkVersion, codec, ...(sync && { sync }), state: 'writing' };
}

/** What opens the slice, as part of a transaction; it fails where the key is taken. */
export function openingOfSlice(slice: Slice): { checks: MetadataCheck[]; writes: MetadataWrite[] } {
  const key = sliceKeyText(slice);
  return {
    checks: [{ key: sliceMetadataKey(key), modRevision: 0 }],
    writes: [
      { type: 'put', key: sliceMetadataKey(key), value: JSON.stringify(slice) },
      { type: 'put', key: fileSliceMetadataKey(slice.file, key), value: '{}' },
    ],
  };
}

export function openingOfFile(file: File): { checks: MetadataCheck[]; writes: MetadataWrite[] } {
  const key = fileMetadataKey(fileKeyText(file));
  return { checks: [{ key, modRevision: 0 }], writes: [{ type: 'put', key, value: JSON.stringify(file) }] };
}
