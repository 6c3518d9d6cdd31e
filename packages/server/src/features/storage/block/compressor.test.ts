import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Compressor } from './compressor.ts';
import { createGzipCodec } from './gzip-codec.ts';

const codec = createGzipCodec();
const threshold = 16 * 1024;

/** Text that deflates, different for every call. */
const rows = (length: number): Buffer => Buffer.from(randomBytes(length).toString('hex').slice(0, length));

test('from 16 kB on a thread compresses, and gives the same bytes as the calling thread', async () => {
  await using compressor = new Compressor(codec, 2);
  for (const length of [0, 1, threshold - 1, threshold, threshold + 1, 300_000]) {
    const raw = rows(length);
    const expected = codec.compress(raw);
    const payload = compressor.compress(raw);
    expect(payload instanceof Promise, `${length} bytes`).toBe(length >= threshold);
    expect((await payload).equals(expected), `${length} bytes`).toBe(true);
  }
});

test('a view into a larger memory is compressed alone', async () => {
  await using compressor = new Compressor(codec, 1);
  const memory = rows(200_000);
  const raw = memory.subarray(1000, 60_000);
  expect(codec.decompress(await compressor.compress(raw)).equals(raw)).toBe(true);
});

test('many jobs at once each get their own answer', async () => {
  await using compressor = new Compressor(codec, 3);
  const texts = Array.from({ length: 40 }, (_, index) => `${index},`.repeat(threshold));
  const payloads = await Promise.all(texts.map((text) => compressor.compress(Buffer.from(text))));
  expect(payloads.map((payload) => codec.decompress(payload).toString())).toEqual(texts);
});

test('disposal settles every job, and later jobs are refused', async () => {
  const compressor = new Compressor(codec, 2);
  const jobs = [1, 2, 3, 4].map(() => compressor.compress(rows(2_000_000)));
  const settled = Promise.allSettled(jobs);
  await compressor[Symbol.asyncDispose]();
  expect((await settled).map((job) => job.status === 'rejected' && String(job.reason))).toEqual(
    Array(4).fill('Error: the compressor is closed'),
  );
  await expect(compressor.compress(rows(threshold))).rejects.toThrow('the compressor is closed');
});

test('a compressor that was never used is disposed at once', async () => {
  const compressor = new Compressor(codec);
  await compressor[Symbol.asyncDispose]();
  await compressor[Symbol.asyncDispose]();
});
