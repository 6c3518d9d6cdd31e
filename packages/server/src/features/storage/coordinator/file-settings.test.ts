import { expect, test } from 'vitest';
import { quietSettings } from '../../../../test/support/storage-room.ts';
import { fileSettings } from './file-settings.ts';

const base = quietSettings.file;
const key = (name: string) => `storage.level.${name}`;
const sync = 'local.encoding.sync';

test('without overrides the settings of the service hold, and rows are synced and waited for', () => {
  expect(fileSettings(base, [], [])).toEqual({ ...base, sync: { mode: 'disk', wait: true } });
  expect(fileSettings({ ...base, sync: { mode: 'cache', wait: false } })).toMatchObject({ sync: { mode: 'cache', wait: false } });
});

test('a source overrides the service, and a sink its source', () => {
  const source = [
    { key: key(`${sync}.wait`), value: false },
    { key: key('staging.upload.trigger.interval'), value: '45s' },
    { key: key('target.import.trigger.size'), value: '1MB' },
  ];
  const sink = [
    { key: key(`${sync}.mode`), value: 'cache' },
    { key: key('staging.upload.trigger.interval'), value: '1m' },
    { key: key('target.import.trigger.count'), value: 7 },
  ];
  expect(fileSettings(base, source, sink)).toEqual({
    ...base,
    sync: { mode: 'cache', wait: false },
    upload: { ...base.upload, intervalMs: 60_000 },
    import: { ...base.import, bytes: 1_048_576, count: 7 },
  });
});
