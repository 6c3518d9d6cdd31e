import { overriddenSettings, type SettingOverrides } from '../../definitions/settings.ts';
import type { FileSettings } from '../state/file.ts';
import { syncSettingsSchema } from '../state/sync-settings.ts';

/** The service's settings with the overrides of a source, then of its sink. */
export function fileSettings(base: FileSettings, ...overrides: readonly SettingOverrides[]): FileSettings {
  const values = overriddenSettings(...overrides);
  const number = (key: string, fallback: number): number => {
    const value = values.get(`storage.level.${key}`);
    return typeof value === 'number' ? value : fallback;
  };
  const sync = syncSettingsSchema.parse({
    mode: values.get('storage.level.local.encoding.sync.mode') ?? base.sync?.mode ?? 'disk',
    wait: values.get('storage.level.local.encoding.sync.wait') ?? base.sync?.wait ?? true,
  });
  const upload = 'staging.upload.trigger';
  const imports = 'target.import.trigger';
  return {
    ...base,
    sync,
    upload: {
      ...base.upload,
      count: number(`${upload}.count`, base.upload.count),
      bytes: number(`${upload}.size`, base.upload.bytes),
      intervalMs: number(`${upload}.interval`, base.upload.intervalMs),
    },
    import: {
      ...base.import,
      count: number(`${imports}.count`, base.import.count),
      bytes: number(`${imports}.size`, base.import.bytes),
      intervalMs: number(`${imports}.interval`, base.import.intervalMs),
      slices: number(`${imports}.slicesCount`, base.import.slices),
    },
  };
}
