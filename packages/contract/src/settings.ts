import { z } from 'zod';
import { text } from './fields.ts';

export const settingSchema = z
  .object({
    key: z.string(),
    type: z.enum(['string', 'int', 'bool', '[]string']),
    description: z.string(),
    value: z.json(),
    defaultValue: z.json(),
    overwritten: z.boolean(),
    protected: z.boolean(),
    validation: z.string().optional(),
  })
  .meta({ id: 'SettingResult' });
export type SettingAnswer = z.infer<typeof settingSchema>;

export const settingsResultSchema = z.object({ settings: z.array(settingSchema) }).meta({ id: 'SettingsResult' });

/** An item without `value`, or with `null`, takes the override back. */
export const updateSettingsSchema = z
  .object({
    changeDescription: z.string().optional(),
    settings: z.array(z.object({ key: text({ min: 1 }), value: z.json().optional() })).optional(),
  })
  .meta({ id: 'SettingsPatch' });
export type UpdateSettings = z.infer<typeof updateSettingsSchema>;

/** How the value of a setting is written: sizes and durations are texts such as `5MB` and `1m0s`. */
export type SettingForm = 'size' | 'duration' | 'int' | 'bool' | 'text' | 'texts';

export interface SettingDeclaration {
  readonly key: string;
  readonly form: SettingForm;
  /** As clients see it. */
  readonly defaultValue: string | number | boolean | readonly string[];
  readonly protected: boolean;
  readonly validation?: string;
  readonly description: string;
}

const local = 'storage.level.local';
const encoding = `${local}.encoding`;
const upload = 'storage.level.staging.upload.trigger';
const imports = 'storage.level.target.import.trigger';

/** Every setting of sources and sinks, ordered by key. */
export const settingDeclarations: readonly SettingDeclaration[] = [
  {
    key: `${encoding}.compression.gzip.blockSize`,
    form: 'size',
    defaultValue: '256KB',
    protected: true,
    validation: 'required,minBytes=16kB,maxBytes=100MB',
    description: 'Uncompressed bytes that are compressed together.',
  },
  {
    key: `${encoding}.compression.gzip.concurrency`,
    form: 'int',
    defaultValue: 0,
    protected: true,
    description: 'Blocks that are compressed at once. 0: as many as there are processors.',
  },
  {
    key: `${encoding}.compression.gzip.implementation`,
    form: 'text',
    defaultValue: 'parallel',
    protected: true,
    validation: 'required,oneof=standard fast parallel',
    description: 'How gzip is computed.',
  },
  {
    key: `${encoding}.compression.gzip.level`,
    form: 'int',
    defaultValue: 1,
    protected: true,
    validation: 'min=1,max=9',
    description: 'Compression level, from 1, the fastest, to 9, the smallest.',
  },
  {
    key: `${encoding}.compression.type`,
    form: 'text',
    defaultValue: 'gzip',
    protected: true,
    validation: 'required,oneof=none gzip',
    description: 'Compression of stored rows.',
  },
  {
    key: `${encoding}.encoder.concurrency`,
    form: 'int',
    defaultValue: 0,
    protected: true,
    validation: 'min=0,max=256',
    description: 'Rows that are encoded at once. 0: as many as there are processors.',
  },
  {
    key: `${encoding}.encoder.type`,
    form: 'text',
    defaultValue: 'csv',
    protected: true,
    validation: 'required,oneof=csv',
    description: 'Format of stored rows.',
  },
  {
    key: `${encoding}.failedChunksThreshold`,
    form: 'int',
    defaultValue: 3,
    protected: true,
    validation: 'required,min=1,max=100',
    description: 'Unsent chunks from which on a writer counts as not ready.',
  },
  {
    key: `${encoding}.inputBuffer`,
    form: 'size',
    defaultValue: '2MB',
    protected: true,
    validation: 'maxBytes=16MB',
    description: 'Buffer in front of the compression.',
  },
  {
    key: `${encoding}.maxChunkSize`,
    form: 'size',
    defaultValue: '512KB',
    protected: true,
    validation: 'required,minBytes=64kB,maxBytes=1MB',
    description: 'Largest chunk that is sent to a writer.',
  },
  {
    key: `${encoding}.sync.checkInterval`,
    form: 'duration',
    defaultValue: '5ms',
    protected: true,
    validation: 'required,minDuration=1ms,maxDuration=30s',
    description: 'Least time between two syncs.',
  },
  {
    key: `${encoding}.sync.compressedBytesTrigger`,
    form: 'size',
    defaultValue: '256KB',
    protected: true,
    validation: 'required,minBytes=100B,maxBytes=100MB',
    description: 'Compressed bytes that trigger a sync.',
  },
  {
    key: `${encoding}.sync.countTrigger`,
    form: 'int',
    defaultValue: 10_000,
    protected: true,
    validation: 'required,min=1,max=1000000',
    description: 'Records that trigger a sync.',
  },
  {
    key: `${encoding}.sync.intervalTrigger`,
    form: 'duration',
    defaultValue: '50ms',
    protected: true,
    validation: 'required,minDuration=10ms,maxDuration=30s',
    description: 'Time since the last sync that triggers the next one.',
  },
  {
    key: `${encoding}.sync.mode`,
    form: 'text',
    defaultValue: 'disk',
    protected: true,
    validation: 'required,oneof=disk cache',
    description: 'Where a record is when it counts as stored: on the disk, or in the cache of the operating system.',
  },
  {
    key: `${encoding}.sync.uncompressedBytesTrigger`,
    form: 'size',
    defaultValue: '1MB',
    protected: true,
    validation: 'required,minBytes=100B,maxBytes=500MB',
    description: 'Uncompressed bytes that trigger a sync.',
  },
  {
    key: `${encoding}.sync.wait`,
    form: 'bool',
    defaultValue: true,
    protected: false,
    description: 'Answer when the record is stored (200), not when it is taken into memory (202).',
  },
  {
    key: `${local}.volume.assignment.count`,
    form: 'int',
    defaultValue: 1,
    protected: true,
    validation: 'required,min=1,max=100',
    description: 'Volumes that take rows of a sink at the same time.',
  },
  {
    key: `${local}.volume.assignment.preferredTypes`,
    form: 'texts',
    defaultValue: ['default'],
    protected: true,
    validation: 'required,min=1',
    description: 'Types of volumes, the most preferred first.',
  },
  {
    key: `${upload}.count`,
    form: 'int',
    defaultValue: 10_000,
    protected: false,
    validation: 'required,min=1,max=10000000',
    description: 'Records that trigger the upload of a slice.',
  },
  {
    key: `${upload}.interval`,
    form: 'duration',
    defaultValue: '30s',
    protected: false,
    validation: 'required,minDuration=1s,maxDuration=30m',
    description: 'Duration from the last slice upload to trigger the next upload.',
  },
  {
    key: `${upload}.size`,
    form: 'size',
    defaultValue: '5MB',
    protected: false,
    validation: 'required,minBytes=100B,maxBytes=50MB',
    description: 'Compressed bytes that trigger the upload of a slice.',
  },
  {
    key: `${imports}.count`,
    form: 'int',
    defaultValue: 50_000,
    protected: false,
    validation: 'required,min=1,max=10000000',
    description: 'Records that trigger the import of a file.',
  },
  {
    key: `${imports}.expiration`,
    form: 'duration',
    defaultValue: '30m0s',
    protected: true,
    validation: 'required,minDuration=5m,maxDuration=45m',
    description: 'Rest of the life of staging credentials that triggers the import of a file.',
  },
  {
    key: `${imports}.interval`,
    form: 'duration',
    defaultValue: '1m0s',
    protected: false,
    validation: 'required,minDuration=30s,maxDuration=24h',
    description: 'Duration from the last import that triggers the next import.',
  },
  {
    key: `${imports}.size`,
    form: 'size',
    defaultValue: '50MB',
    protected: false,
    validation: 'required,minBytes=100B,maxBytes=500MB',
    description: 'Compressed bytes that trigger the import of a file.',
  },
  {
    key: `${imports}.slicesCount`,
    form: 'int',
    defaultValue: 100,
    protected: true,
    validation: 'required,min=1,max=200',
    description: 'Slices that trigger the import of a file.',
  },
];
