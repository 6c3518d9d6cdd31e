import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeObjectStore } from '../object-store.conformance.ts';
import { openObjectStore } from '../registry.ts';
import { LocalObjectStore } from './local-object-store.ts';

describeObjectStore('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-objects-'));
  let store = await LocalObjectStore.open({ folder: join(folder, 'objects') });
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await LocalObjectStore.open({ folder: join(folder, 'objects') });
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
});

describe('local object store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-objects-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const content = async function* () {
    yield Buffer.from('x');
  };

  it('deletes at its opening what a killed process left, and never lists it', async () => {
    await mkdir(join(folder, 'temp', 'odd'), { recursive: true });
    await writeFile(join(folder, 'temp', '0b9d'), 'half');
    const store = await LocalObjectStore.open({ folder });
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
    // A put that is under way.
    await writeFile(join(folder, 'temp', 'now'), 'half');
    expect(await store.list({ prefix: '', limit: 10 })).toEqual({ objects: [], more: false });
  });

  it('leaves no temporary file and no empty folder', async () => {
    const store = await LocalObjectStore.open({ folder });
    await store.put('a/b/c', content());
    await store.put('a/d', content());
    expect(await readdir(join(folder, 'temp'))).toEqual([]);
    await store.delete('a/b/c');
    expect(await readdir(join(folder, 'data', 'a'))).toEqual(['d']);
    await store.delete('a/d');
    expect(await readdir(join(folder, 'data'))).toEqual([]);
  });

  it('says so when a key is the folder of another', async () => {
    const store = await LocalObjectStore.open({ folder });
    await store.put('a/b', content());
    await expect(store.put('a', content())).rejects.toMatchObject({ code: 'invariantBroken' });
    await expect(store.put('a/b/c', content())).rejects.toMatchObject({ code: 'invariantBroken' });
    await store.delete('a');
    expect(await store.head('a')).toBeUndefined();
    expect(await store.head('a/b')).toEqual({ key: 'a/b', size: 1 });
  });

  it('is opened by the registry, which refuses unknown kinds', async () => {
    await using store = await openObjectStore({ kind: 'local', folder });
    expect(await store.head('a')).toBeUndefined();
    const unknown: unknown = { kind: 'floppy' };
    // @ts-expect-error: configuration files are not type-checked.
    await expect(openObjectStore(unknown)).rejects.toMatchObject({ code: 'configInvalid' });
    await writeFile(join(folder, 'file'), '');
    await expect(openObjectStore({ kind: 'local', folder: join(folder, 'file') })).rejects.toThrow();
  });
});
