import { z } from 'zod';
import type { MetadataEntry } from '../../engines/metadata/metadata-store.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import { type BranchKey, branchKeyText, definitionPrefix, type SinkKey, type SourceKey, sinkKeyText, sourceKeyText } from './keys.ts';
import { type Sink, sinkSchema } from './sink.ts';
import { type Source, sourceSchema, type Version, versionSchema } from './source.ts';

/** Keys and values of definitions; a value that does not match its schema is `invariantBroken`. */
export const activeBranchKey = (key: BranchKey): string => definitionPrefix.activeBranch + branchKeyText(key);
export const activeSourceKey = (key: SourceKey): string => definitionPrefix.activeSource + sourceKeyText(key);
export const deletedSourceKey = (key: SourceKey): string => definitionPrefix.deletedSource + sourceKeyText(key);
export const activeSinkKey = (key: SinkKey): string => definitionPrefix.activeSink + sinkKeyText(key);
export const deletedSinkKey = (key: SinkKey): string => definitionPrefix.deletedSink + sinkKeyText(key);
export const sourceVersionPrefix = (key: SourceKey): string => `${definitionPrefix.sourceVersion}${sourceKeyText(key)}/`;
export const sinkVersionPrefix = (key: SinkKey): string => `${definitionPrefix.sinkVersion}${sinkKeyText(key)}/`;

/** A branch as stored under `definition/branch/active/<branchKey>`. */
export const branchSchema = z.object({ projectId: z.int(), branchId: z.int(), isDefault: z.boolean() });
const versionedSchema = z.object({ version: versionSchema });

type StoredText = Pick<MetadataEntry, 'key' | 'value'>;

const decode = <Schema extends z.ZodType>({ key, value }: StoredText, schema: Schema): z.output<Schema> =>
  decodeJson(value, { schema, what: `Definition "${key}"`, code: 'invariantBroken' });

export const decodeBranch = (entry: StoredText): z.infer<typeof branchSchema> => decode(entry, branchSchema);
export const decodeSource = (entry: StoredText): Source => decode(entry, sourceSchema);
export const decodeSink = (entry: StoredText): Sink => decode(entry, sinkSchema);
/** The version block of a source or sink. */
export const decodeVersion = (entry: StoredText): Version => decode(entry, versionedSchema).version;
