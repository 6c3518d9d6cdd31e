import type { SettingDefaults } from '../features/definitions/settings.ts';
import type { StorageSettings } from '../features/storage/storage.ts';
import type { Config } from './config.ts';

export function storageSettings({ storage }: Config): StorageSettings {
  const { upload } = storage.level.staging;
  const { compression, rowSizeLimit } = storage.level.local.encoding;
  const { import: imports } = storage.level.target;
  return {
    file: {
      maxRowBytes: rowSizeLimit,
      sync: storage.level.local.encoding.sync,
      upload: {
        minIntervalMs: upload.minInterval,
        intervalMs: upload.trigger.interval,
        count: upload.trigger.count,
        bytes: upload.trigger.size,
      },
      import: {
        minIntervalMs: imports.minInterval,
        intervalMs: imports.trigger.interval,
        count: imports.trigger.count,
        bytes: imports.trigger.size,
        slices: imports.trigger.slicesCount,
        maxSlices: imports.maxSlices,
      },
    },
    compression: { codec: compression.type, levels: { gzip: compression.gzip.level, zstd: compression.zstd.level } },
    dataRetentionMs: storage.retention.data,
    recordRetentionMs: Math.max(storage.retention.record, storage.retention.data),
    disk: {
      reserve: { percent: storage.disk.reserve.percent, minBytes: storage.disk.reserve.min, maxBytes: storage.disk.reserve.max },
      ballastBytes: storage.disk.ballast,
    },
    reencode: storage.upload.reencode,
    unknownGraceMs: storage.retention.unknown,
    statisticsIntervalMs: storage.statistics.syncInterval,
  };
}

/** Settings of sources and sinks as this service is configured, by key. */
export function settingDefaults({ storage: { level } }: Config): SettingDefaults {
  const { sync } = level.local.encoding;
  const upload = level.staging.upload.trigger;
  const imports = level.target.import.trigger;
  return new Map<string, number | boolean | string>([
    ['storage.level.local.encoding.sync.mode', sync.mode],
    ['storage.level.local.encoding.sync.wait', sync.wait],
    ['storage.level.staging.upload.trigger.count', upload.count],
    ['storage.level.staging.upload.trigger.interval', upload.interval],
    ['storage.level.staging.upload.trigger.size', upload.size],
    ['storage.level.target.import.trigger.count', imports.count],
    ['storage.level.target.import.trigger.interval', imports.interval],
    ['storage.level.target.import.trigger.size', imports.size],
    ['storage.level.target.import.trigger.slicesCount', imports.slicesCount],
  ]);
}
