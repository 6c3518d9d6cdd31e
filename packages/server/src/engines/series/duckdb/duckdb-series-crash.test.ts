import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { openSeriesStore } from '../registry.ts';

const script = fileURLToPath(new URL('../../../../test/support/write-series-and-die.ts', import.meta.url));
const never = new AbortController().signal;
const partition = { route: 'high', topicId: 'topic', partition: 0 };

/** The tenth COMMIT of the child is that of its tenth batch of 100 records: its schema and progress are there before. */
it.each([
  { moment: 'beforeCommit', next: 900 },
  { moment: 'afterCommit', next: 1000 },
])('a writer killed at $moment of a batch leaves its points and its progress, or neither', async ({ moment, next }) => {
  await using folder = await openTempFolder();
  const config = { kind: 'duckdb', folder: folder.path, series: 'high' } as const;
  {
    await using store = await openSeriesStore(config, { log: silentLogger });
    await store.ensureSchema(never);
    await store.readProgress(partition, never);
  }
  const child = spawn(process.execPath, [script, JSON.stringify(config), moment, '10'], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  await using store = await openSeriesStore(config, { log: silentLogger });
  expect(await store.readProgress(partition, never)).toEqual({ next, isNew: false });
  const window = { fromMs: 0, toMs: 1e15 };
  const offsets = await store.readOffsets({ ...partition, window, fromOffset: 0, toOffset: 2000 }, never);
  expect(offsets).toEqual(Array.from({ length: next }, (_, offset) => offset));
  const { chunks } = await store.readRepeats({ partition, after: 0 }, never);
  expect(chunks.map(({ to }) => to)).toEqual(Array.from({ length: next / 100 }, (_, index) => 100 * index + 100));
});
