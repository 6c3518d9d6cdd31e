import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from './object-store.ts';

/** One empty store of an adapter. */
export interface ObjectsHarness extends AsyncDisposable {
  readonly store: ObjectStore;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<void>;
}

/** The contract of `ObjectStore`. */
export function describeObjectStore(name: string, open: () => Promise<ObjectsHarness>): void {
  describe(`${name}: object store`, () => {
    let harness: ObjectsHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    const put = (key: string, ...chunks: (string | Uint8Array)[]) => harness.store.put(key, chunksOf(chunks));
    const read = async (key: string, range?: { offset: number; length: number }) =>
      Buffer.concat(await Array.fromAsync(harness.store.get(key, range)));
    const keys = async (prefix = '') => (await harness.store.list({ prefix, limit: 1000 })).objects.map(({ key }) => key);

    it('gives back what was put, also after a new opening', async () => {
      expect(await put('a/b/c.csv.gz', 'one,', 'two')).toEqual({ key: 'a/b/c.csv.gz', size: 7 });
      await harness.reopen();
      expect((await read('a/b/c.csv.gz')).toString()).toBe('one,two');
      expect(await harness.store.head('a/b/c.csv.gz')).toEqual({ key: 'a/b/c.csv.gz', size: 7 });
    });

    it('stores empty objects and large ones', async () => {
      expect(await put('empty')).toEqual({ key: 'empty', size: 0 });
      expect(await read('empty')).toHaveLength(0);
      expect(await harness.store.head('empty')).toEqual({ key: 'empty', size: 0 });
      const large = randomBytes(5_000_000);
      expect(await put('large', large.subarray(0, 1_234_567), large.subarray(1_234_567))).toEqual({ key: 'large', size: large.length });
      expect(large.equals(await read('large'))).toBe(true);
    });

    it('replaces the whole object', async () => {
      await put('a', 'a long content');
      await put('a', 'short');
      expect((await read('a')).toString()).toBe('short');
      expect(await keys()).toEqual(['a']);
    });

    it('reads ranges, also beyond the end', async () => {
      await put('a', '0123456789');
      expect((await read('a', { offset: 3, length: 4 })).toString()).toBe('3456');
      expect((await read('a', { offset: 8, length: 100 })).toString()).toBe('89');
      expect((await read('a', { offset: 20, length: 1 })).toString()).toBe('');
      expect((await read('a', { offset: 3, length: 0 })).toString()).toBe('');
    });

    it('knows nothing of absent objects', async () => {
      expect(await harness.store.head('a/b')).toBeUndefined();
      await expect(read('a/b')).rejects.toMatchObject({ code: 'objectNotFound' });
      await harness.store.delete('a/b');
      await put('a/b', 'x');
      await harness.store.delete('a/b');
      await harness.store.delete('a/b');
      expect(await harness.store.head('a/b')).toBeUndefined();
      expect(await keys()).toEqual([]);
      await put('a/b', 'again');
      expect(await keys()).toEqual(['a/b']);
    });

    it('keeps nothing of a put whose content fails, and the older object', async () => {
      const failing = async function* () {
        yield Buffer.from('half');
        throw new Error('source broke');
      };
      await put('old', 'before');
      for (const key of ['old', 'new']) await expect(harness.store.put(key, failing())).rejects.toThrow('source broke');
      expect(await keys()).toEqual(['old']);
      expect((await read('old')).toString()).toBe('before');
    });

    it('gives the error of the content back unchanged, whatever its code', async () => {
      const reason = Object.assign(new Error('part is gone'), { code: 'ENOENT' });
      const failing: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(reason) }) };
      await expect(harness.store.put('a', failing)).rejects.toBe(reason);
    });

    it('keeps nothing of an aborted put, also while its content is silent', async () => {
      const abort = new AbortController();
      const started = Promise.withResolvers<void>();
      const silent = async function* () {
        yield Buffer.from('half');
        started.resolve();
        await new Promise(() => {});
      };
      const putting = Promise.allSettled([harness.store.put('a', silent(), { signal: abort.signal })]);
      await started.promise;
      abort.abort(new Error('enough'));
      expect(await putting).toMatchObject([{ status: 'rejected', reason: { message: 'enough' } }]);
      await expect(harness.store.put('a', chunksOf(['x']), { signal: AbortSignal.abort(new Error('late')) })).rejects.toThrow('late');
      expect(await keys()).toEqual([]);
    });

    it('lets racing puts of one key end with one of the contents', async () => {
      const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000));
      await Promise.all(contents.map((content) => put('race/k', content)));
      expect(contents).toContain((await read('race/k')).toString());
      expect(await keys()).toEqual(['race/k']);
    });

    it('survives puts and deletes of the same folder at once', async () => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          await put(`d/e/${index}`, 'x');
          if (index % 2 === 0) await harness.store.delete(`d/e/${index}`);
        }),
      );
      expect(await keys()).toHaveLength(25);
    });

    it('refuses keys that are none', async () => {
      for (const key of ['', '/', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../b', 'a/./b', 'a b', 'ž', 'a\\b', 'a\0b', 'x'.repeat(251)]) {
        await expect(put(key, 'x'), key).rejects.toMatchObject({ code: 'invariantBroken' });
        await expect(read(key), key).rejects.toMatchObject({ code: 'invariantBroken' });
        await expect(harness.store.delete(key), key).rejects.toMatchObject({ code: 'invariantBroken' });
      }
      await put('...', 'dots');
      expect((await read('...')).toString()).toBe('dots');
    });

    it('lists keys of a prefix in byte order, page by page', async () => {
      const segment = fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '-', '.', '_', '0'), minLength: 1, maxLength: 2 });
      const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
      const isKey = (text: string) => text.split('/').every((part) => part !== '.' && part !== '..');
      /** No key is the folder of another. */
      const apart = (all: string[]) => all.filter((one) => isKey(one) && !all.some((other) => other.startsWith(`${one}/`)));
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(key, { maxLength: 12 }).map(apart),
          fc.constantFrom('', 'a', 'a/', 'a/b', 'b.', '-'),
          async (all, prefix) => {
            for (const old of await keys()) await harness.store.delete(old);
            for (const one of all) await put(one, one);
            const listed: string[] = [];
            for (let after: string | undefined, more = true; more; ) {
              const page = await harness.store.list({ prefix, limit: 2, ...(after === undefined ? {} : { after }) });
              expect(page.objects.length).toBeLessThanOrEqual(2);
              for (const object of page.objects) expect(object.size).toBe(object.key.length);
              listed.push(...page.objects.map((object) => object.key));
              after = page.objects.at(-1)?.key;
              more = page.more;
            }
            expect(listed).toEqual(all.filter((one) => one.startsWith(prefix)).toSorted());
          },
        ),
        { numRuns: 25 },
      );
    });

    it('links files where it is a directory', async () => {
      const { directory } = harness.store;
      if (directory === undefined) return;
      const folder = await mkdtemp(join(tmpdir(), 'sluice-link-'));
      try {
        const file = join(folder, 'part');
        await writeFile(file, 'content');
        // Twice: a repeat of the link must leave nothing behind.
        for (let time = 0; time < 2; time += 1) if (!(await directory.link('l/part', file))) return;
        await rm(file);
        expect((await read('l/part')).toString()).toBe('content');
        expect(directory.pathOf('l/part').endsWith('/l/part')).toBe(true);
        expect(await keys()).toEqual(['l/part']);
        await expect(directory.link('l/other', file)).rejects.toMatchObject({ code: 'objectNotFound' });
        expect(() => directory.pathOf('../x')).toThrow('no object key');
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
}

async function* chunksOf(chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
