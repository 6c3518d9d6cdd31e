import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { openTempFolder } from '../../support/temp-folder.ts';
import { buildShim } from './build-shim.ts';
import { type Call, callNames } from './call-log.ts';
import { type FaultRule, FaultShim } from './fault-shim.ts';

const program = fileURLToPath(new URL('./every-call-main.ts', import.meta.url));

interface Run {
  readonly root: string;
  readonly calls: readonly Call[];
  readonly connection: string;
  readonly failures: Readonly<Record<string, string>>;
}

/** Runs every-call-main.ts under the shim. */
async function run(folder: string, faults: readonly FaultRule[] = []): Promise<Run> {
  const root = join(folder, 'scope');
  const shim = await FaultShim.open({ folder, scope: root, textBefore: '"key":"' });
  await shim.setFaults(faults);
  const { stdout } = await promisify(execFile)(process.execPath, [program, root], { env: { ...process.env, ...shim.env } });
  return { root, calls: await shim.calls(), ...(JSON.parse(stdout) as Pick<Run, 'connection' | 'failures'>) };
}

it('sees every way in which Node changes files and answers HTTP', async () => {
  await using folder = await openTempFolder();
  const { root, calls, connection, failures } = await run(folder.path);
  expect(failures).toEqual({});
  const seen = calls
    .filter(({ result }) => result >= 0)
    .map(({ name, path, other, offset, length, result }) => ({
      name,
      path: path.replace(`${root}/`, ''),
      other: other.replace(`${root}/`, ''),
      offset,
      length,
      result,
    }));
  expect(new Set(seen.map(({ name }) => name))).toEqual(new Set(callNames));
  for (const call of [
    { name: 'mkdir', path: 'deep' },
    { name: 'mkdir', path: 'deep/er' },
    { name: 'create', path: 'part' },
    { name: 'write', path: 'part', offset: 0, length: 7, result: 7 },
    { name: 'write', path: 'part', offset: 7, length: 5, result: 5 },
    { name: 'fdatasync', path: 'part', result: 0 },
    { name: 'fsync', path: 'part' },
    { name: 'truncate', path: 'part', length: 3 },
    { name: 'link', path: 'part', other: 'linked' },
    { name: 'rename', path: 'linked', other: 'deep/renamed' },
    { name: 'fsyncdir', path: 'deep' },
    { name: 'unlink', path: 'deep/renamed' },
    { name: 'rmdir', path: 'deep/er' },
    { name: 'fsync', path: 'flushed' },
    { name: 'write', path: 'streamed', offset: 0, length: 4 },
    { name: 'fsync', path: 'synchronous' },
    { name: 'fsync', path: 'sqlite.db-wal' },
    { name: 'text', path: 'sqlite.db-wal', other: 'found-it' },
    { name: 'answer', path: connection, length: 204 },
  ]) {
    expect(seen).toContainEqual(expect.objectContaining(call));
  }
  const numbers = calls.flatMap(({ begin, end }) => [begin, end]);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(calls.every(({ begin, end }) => begin < end)).toBe(true);
});

it('lets calls fail as the rules say, and no others', async () => {
  await using folder = await openTempFolder();
  const { failures, calls } = await run(folder.path, [
    'fdatasync eio part',
    'fsync eio:1 flushed',
    'fsyncdir eio deep',
    'truncate erofs part',
    'link enospc linked',
    'write enospc streamed',
    'write short synchronous',
    'write slow:30 sqlite',
  ]);
  expect(failures).toEqual({
    datasync: 'EIO',
    flush: 'EIO',
    folder: 'EIO',
    truncate: 'EROFS',
    link: 'ENOSPC',
    rename: 'ENOENT',
    unlink: 'ENOENT',
    stream: 'ENOSPC',
  });
  expect(calls.find(({ name, path }) => name === 'fdatasync' && path.endsWith('/part'))).toMatchObject({ result: -1, errno: 5 });
  expect(calls.find(({ name, path }) => name === 'write' && path.endsWith('/synchronous'))).toMatchObject({ length: 4, result: 2 });
  const [first, second] = calls.filter(({ name, path }) => name === 'write' && path.endsWith('/sqlite.db'));
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(30);
});

it('has room for as many bytes as the rule says, in the middle of a write too', async () => {
  await using folder = await openTempFolder();
  const { calls, root } = await run(folder.path, ['write enospc-after:9 part']);
  const writes = calls.filter(({ name, path }) => name === 'write' && path === join(root, 'part'));
  expect(writes.map(({ length, result }) => ({ length, result }))).toEqual([
    { length: 7, result: 7 },
    { length: 5, result: 2 },
    // The runtime asks for the rest itself.
    { length: 3, result: -1 },
  ]);
});

it('says what to install where there is no compiler', async () => {
  await using folder = await openTempFolder();
  // The cache is keyed by the source, so a compiler that is not there shows only in an empty one.
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder.path;
  try {
    await expect(buildShim('no-such-compiler')).rejects.toThrow(/install the Debian packages gcc and libc6-dev/);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  await expect(readFile(await buildShim())).resolves.toBeInstanceOf(Buffer);
});
