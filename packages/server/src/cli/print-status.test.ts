import { expect, test } from 'vitest';
import { printStatus } from './print-status.ts';

const sink = {
  sink: '1/1/source/sink',
  rows: { local: 1, staged: 2, quarantined: 0, imported: 3, damaged: 0, discarded: 0 },
  conservation: { accepted: 6, violations: [] as string[] },
  retrying: 0,
  retryReasons: [],
  quarantined: [],
  stagedAgain: [],
};
const volume = {
  id: 'volume0001',
  path: '/data/volumes/default/001',
  freeBytes: 5 * 1024 ** 2,
  totalBytes: 100 * 1024 ** 2,
  lostFolders: 0,
};

async function printed(report: object): Promise<string> {
  let text = '';
  const out = (part: string) => {
    text += part;
  };
  const ask = async () => ({ now: 0, ready: true, sinks: [sink], volumes: [volume], ...report });
  await printStatus({ ask, out }, { dataDir: 'data' });
  return text;
}

test('rows by their places, and the room of the volumes', async () => {
  expect(await printed({})).toBe(
    'sink 1/1/source/sink  rows: 1 local, 2 staged, 0 quarantined, 3 imported, 0 damaged\n' +
      'volume volume0001  5MB of 100MB free  /data/volumes/default/001\n',
  );
});

test('a volume without room says what to do', async () => {
  const refusal = '/data has 5MB free and keeps 20MB for what is stored already: free space on this disk, or give it more';
  expect(await printed({ volumes: [{ ...volume, refusal }] })).toContain(`REFUSES ROWS: ${refusal}`);
});

test('rows that are lost or doubled are told loudly', async () => {
  const conservation = { accepted: 6, violations: ['file f accepted 6 rows, and has 5 imported'] };
  expect(await printed({ sinks: [{ ...sink, conservation }] })).toContain(
    'ROWS ARE LOST OR DOUBLED: file f accepted 6 rows, and has 5 imported. Keep the data folder as it is and report this',
  );
});
