import { glob, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { unpackByCommand } from '../support/unpack.ts';
import { waitFor } from '../support/wait-for.ts';

/** One folder under one setting after the other; each start but the last is killed with rows in an open slice. */
const codecs = ['zstd', 'none', 'gzip'] as const;
type Codec = (typeof codecs)[number];
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let dataDir: string;
let service: RunningSluice;
const start = (codec: Codec) => startSluice({ dataDir, flags: [...demoFlags, '--storage-level-local-encoding-compression-type', codec] });
beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = `${folder.path}/data`;
  service = await start('zstd');
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const bodies = async () => (await queryRows(dataDir, 'SELECT body FROM "in.c-codec"."rows" ORDER BY body')).flat();
const parts = () => Array.fromAsync(glob(`${dataDir}/volumes/*/*/1/1/events/rows/*/*.csv.{gz,zst}`));
const unpacked = async (path: string) => unpackByCommand(path.endsWith('.zst') ? 'zstd' : 'gzip', await readFile(path)).toString();

test('rows of every codec are recovered, imported and readable, whatever codec the next start is set to', async () => {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const path = new URL(await api.createSource('events')).pathname;
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-codec.rows', columns: [{ type: 'body', name: 'body' }] });
  const post = async (body: string) =>
    expect((await fetch(new URL(path, service.urls['source']), { method: 'POST', body })).status).toBe(200);
  const sent: string[] = [];
  for (const [index, codec] of codecs.entries()) {
    if (index > 0) service = await start(codec);
    // Into a slice that the start before opened, where there was one; once it is imported, its successor takes rows.
    sent.push(`${codec}: before the rotation`, `${codec}: behind it`);
    await post(sent.at(-2) ?? '');
    await waitFor(bodies, (rows) => rows.includes(sent.at(-2)));
    await post(sent.at(-1) ?? '');
    service.process.kill('SIGKILL');
    await service.exited;
  }
  const fsck = await runSluice('fsck', dataDir);
  expect(fsck.out).toMatch(/: clean\n$/);
  service = await start('zstd');
  expect(new Set(await waitFor(bodies, (rows) => rows.length === sent.length))).toEqual(new Set(sent));

  const texts = await Promise.all((await parts()).map(async (file) => ({ file, text: await unpacked(file) })));
  const lines = texts.flatMap(({ text }) => text.split('\n').slice(0, -1));
  expect(lines).toHaveLength(sent.length);
  expect(new Set(lines)).toEqual(new Set(sent.map((body) => `"${body}"`)));
  const fileOf = (row: string) => texts.find(({ text }) => text.includes(row))?.file ?? '';
  expect(codecs.map((codec) => fileOf(`${codec}: behind it`).replace(/^.*\.csv/, ''))).toEqual(['.zst', '.gz', '.gz']);
  const bytesOf = async (codec: Codec) => (await readFile(fileOf(`${codec}: behind it`))).toString('latin1');
  expect(await bytesOf('none'), 'stored as it is').toContain('"none: behind it"\n');
  const volumeId = (await readFile(`${dataDir}/volumes/default/001/volume-id`, 'utf8')).trim();
  for (const codec of codecs) {
    const row = `${codec}: behind it`;
    const openedAt = fileOf(row)
      .split('/')
      .at(-2)
      ?.replace(/T(\d\d)-(\d\d)-(\d\d)-/, 'T$1:$2:$3.');
    const cat = await runSluice('cat', `1/1/events/rows/${volumeId}/${openedAt}`, '--data-dir', dataDir);
    expect(cat).toMatchObject({ code: 0, out: expect.stringContaining(`"${row}"\n`) });
  }
});
