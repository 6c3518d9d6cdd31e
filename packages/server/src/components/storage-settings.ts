import type { StorageSettings } from '../features/storage/storage.ts';
import type { Config } from './config.ts';

export function storageSettings({ storage }: Config): StorageSettings {
  const { upload } = storage.level.staging;
  const { compression, rowSizeLimit } = storage.level.local.encoding;
  const { import: imports } = storage.level.target;
  return {
    file: {
      maxRowBytes: rowSizeLimit,
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
