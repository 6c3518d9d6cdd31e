import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Compressor } from './compressor.ts';
import { createCodec } from './create-codec.ts';

const codec = createCodec('gzip');
const threshold = codec.threadBytes;

/** Text that deflates, different for every call. */
const rows = (length: number): Buffer => Buffer.from(randomBytes(length).toString('hex').slice(0, length));

test.each([
  ['gzip', 1, 16],
  ['gzip', 9, 8],
  ['zstd', 1, 32],
  ['zstd', 9, 8],
] as const)(
  '%s at level %i: from %i kB on a thread compresses, and gives the same bytes as the calling thread',
  async (name, level, kilobytes) => {
    await using compressor = new Compressor(2);
    const own = createCodec(name, level);
    const from = kilobytes * 1024;
    for (const length of [0, 1, from - 1, from, from + 1, 300_000]) {
      const raw = rows(length);
      const expected = own.compress(raw);
      const payload = compressor.compress(own, raw);
      expect(payload instanceof Promise, `${length} bytes`).toBe(length >= from);
      expect((await payload).equals(expected), `${length} bytes`).toBe(true);
    }
  },
);

test('what is not compressed never goes to a thread', async () => {
  await using compressor = new Compressor(1);
  const raw = rows(2_000_000);
  const expected = Buffer.from(raw);
  const payload = compressor.compress(createCodec('none'), raw);
  expect(payload).not.toBeInstanceOf(Promise);
  expect(codec.decompress(await payload).equals(expected)).toBe(true);
});

test.each(['gzip', 'none'] as const)('%s: rows that fill their memory are taken over, and so keep none', async (name) => {
  await using compressor = new Compressor(1);
  const raw = Buffer.allocUnsafeSlow(100_000).fill('row,');
  await compressor.compress(createCodec(name), raw);
  expect(raw).toHaveLength(0);
});

test('a view into a larger memory is compressed alone', async () => {
  await using compressor = new Compressor(1);
  const memory = rows(200_000);
  const raw = memory.subarray(1000, 60_000);
  expect(codec.decompress(await compressor.compress(codec, raw)).equals(raw)).toBe(true);
});

test('many jobs at once each get their own answer', async () => {
  await using compressor = new Compressor(3);
  const texts = Array.from({ length: 40 }, (_, index) => `${index},`.repeat(threshold));
  const payloads = await Promise.all(texts.map((text) => compressor.compress(codec, Buffer.from(text))));
  expect(payloads.map((payload) => codec.decompress(payload).toString())).toEqual(texts);
});

test('disposal settles every job, and later jobs are refused', async () => {
  const compressor = new Compressor(2);
  const jobs = [1, 2, 3, 4].map(() => compressor.compress(codec, rows(2_000_000)));
  const settled = Promise.allSettled(jobs);
  await compressor[Symbol.asyncDispose]();
  expect((await settled).map((job) => job.status === 'rejected' && String(job.reason))).toEqual(
    Array(4).fill('Error: the compressor is closed'),
  );
  await expect(compressor.compress(codec, rows(threshold))).rejects.toThrow('the compressor is closed');
});

test('a compressor that was never used is disposed at once', async () => {
  const compressor = new Compressor();
  await compressor[Symbol.asyncDispose]();
  await compressor[Symbol.asyncDispose]();
});
