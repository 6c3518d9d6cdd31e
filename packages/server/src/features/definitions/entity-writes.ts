import type { MetadataWrite } from '../../engines/metadata/metadata-store.ts';
import {
  activeSinkKey,
  activeSourceKey,
  deletedSinkKey,
  deletedSourceKey,
  sinkVersionPrefix,
  sourceVersionPrefix,
} from './definition-codec.ts';
import { versionKeyText } from './keys.ts';
import { type Sink, sinkKeyOf } from './sink.ts';
import { type Source, sourceKeyOf } from './source.ts';

/** The active record, and the record of its version, which shows how the entity was last under that number. */
export function putSource(source: Source): MetadataWrite[] {
  const key = sourceKeyOf(source);
  const value = JSON.stringify(source);
  return [
    { type: 'put', key: activeSourceKey(key), value },
    { type: 'put', key: sourceVersionPrefix(key) + versionKeyText(source.version.number), value },
  ];
}

/** As `putSource`. */
export function putSink(sink: Sink): MetadataWrite[] {
  const key = sinkKeyOf(sink);
  const value = JSON.stringify(sink);
  return [
    { type: 'put', key: activeSinkKey(key), value },
    { type: 'put', key: sinkVersionPrefix(key) + versionKeyText(sink.version.number), value },
  ];
}

/** From the active to the deleted records; the versions stay. */
export function moveDeletedSource(source: Source): MetadataWrite[] {
  const key = sourceKeyOf(source);
  return [
    { type: 'delete', key: activeSourceKey(key) },
    { type: 'put', key: deletedSourceKey(key), value: JSON.stringify(source) },
  ];
}

/** As `moveDeletedSource`. */
export function moveDeletedSink(sink: Sink): MetadataWrite[] {
  const key = sinkKeyOf(sink);
  return [
    { type: 'delete', key: activeSinkKey(key) },
    { type: 'put', key: deletedSinkKey(key), value: JSON.stringify(sink) },
  ];
}
