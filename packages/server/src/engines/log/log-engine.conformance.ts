import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FetchLimits, LogBatch, LogConsumer, LogEngine, LogRecord, LogTopic, OwnedPartition, StoredRecord } from './log-engine.ts';
import { maxRecordBytes } from './log-engine.ts';
import { describeLogGroups } from './log-groups.conformance.ts';

/** One engine of an adapter; it may hold topics of others. */
export interface LogHarness extends AsyncDisposable {
  readonly log: LogEngine;
  /** A name that no other test uses. */
  topicName(): string;
  /** Closes the engine and opens the same data again. */
  reopen(): Promise<void>;
}

const noWait: FetchLimits = { maxRecords: 100_000, maxBytes: 100_000_000, waitMs: 0 };
/** Longer than any test lasts: what waits so long must be ended by something else. */
const endlessMs = 600_000;
const bytes = (text: string): Buffer => Buffer.from(text);
const valuesOf = (records: readonly StoredRecord[]): string[] => records.map(({ value }) => value?.toString() ?? 'null');

/** The contract of `LogEngine`. */
export function describeLogEngine(name: string, open: () => Promise<LogHarness>): void {
  describe(`${name}: log`, () => {
    let harness: LogHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    const newTopic = (partitions = 1): Promise<LogTopic> => harness.log.ensureTopic({ name: harness.topicName(), partitions });
    const append = (topic: LogTopic, partition: number, ...values: string[]) =>
      harness.log.append({ topic: topic.name, partition, records: values.map((value) => ({ value: bytes(value) })) });
    const readAll = (topic: LogTopic, partition = 0): Promise<StoredRecord[]> => readFrom(topic, { partition, offset: 0 });
    const readFrom = async (topic: LogTopic, from: { partition: number; offset: number }): Promise<StoredRecord[]> => {
      const records: StoredRecord[] = [];
      const end = (await harness.log.offsets(topic))[from.partition]?.end ?? 0;
      for (let { offset } = from; offset < end; ) {
        const batch = await harness.log.read({ topic, partition: from.partition, offset, ...noWait, waitMs: 1000 });
        records.push(...batch.records);
        offset = batch.nextOffset;
      }
      return records;
    };

    describe('topics', () => {
      it('are created once, and given as they are', async () => {
        const spec = { name: harness.topicName(), partitions: 3 };
        expect(await harness.log.topic(spec.name)).toBeUndefined();
        const topic = await harness.log.ensureTopic(spec);
        expect(topic).toEqual({ name: spec.name, id: expect.stringMatching(/^\S{8,}$/), partitions: 3 });
        expect(await harness.log.ensureTopic({ ...spec, partitions: 5 })).toEqual(topic);
        expect(await harness.log.topic(spec.name)).toEqual(topic);
        expect(await harness.log.offsets(topic)).toEqual(Array(3).fill({ begin: 0, end: 0 }));
        await harness.reopen();
        expect(await harness.log.topic(spec.name)).toEqual(topic);
      });

      it('are created once by several at a time', async () => {
        const spec = { name: harness.topicName(), partitions: 2 };
        const topics = await Promise.all(Array.from({ length: 5 }, () => harness.log.ensureTopic(spec)));
        expect(new Set(topics.map(({ id }) => id)).size).toBe(1);
      });

      it('have another id, and no records, once they are created anew', async () => {
        const old = await newTopic();
        await append(old, 0, 'a', 'b');
        await harness.log.deleteTopic(old.name);
        await harness.log.deleteTopic(old.name);
        expect(await harness.log.topic(old.name)).toBeUndefined();
        await expect(append(old, 0, 'c')).rejects.toMatchObject({ code: 'logTopicNotFound' });
        const topic = await harness.log.ensureTopic({ name: old.name, partitions: 1 });
        expect(topic.id).not.toBe(old.id);
        expect(await harness.log.offsets(topic)).toEqual([{ begin: 0, end: 0 }]);
        await append(topic, 0, 'd');
        expect(valuesOf(await readAll(topic))).toEqual(['d']);
        await expect(harness.log.read({ topic: old, partition: 0, offset: 0, ...noWait })).rejects.toMatchObject({
          code: 'logTopicNotFound',
        });
        await expect(harness.log.offsets(old)).rejects.toMatchObject({ code: 'logTopicNotFound' });
      });

      it('have proper names and numbers of partitions', async () => {
        for (const topicName of ['', ' ', 'a/b', '..', 'ž', 'x'.repeat(250)]) {
          await expect(harness.log.ensureTopic({ name: topicName, partitions: 1 }), topicName).rejects.toMatchObject({
            code: 'invariantBroken',
          });
        }
        for (const partitions of [0, -1, 1.5, 1001]) {
          const spec = { name: harness.topicName(), partitions };
          await expect(harness.log.ensureTopic(spec), String(partitions)).rejects.toMatchObject({ code: 'invariantBroken' });
        }
      });
    });

    describe('appends', () => {
      it('give each record the next offset of its partition', async () => {
        const topic = await newTopic(2);
        expect(await append(topic, 0, 'a', 'b')).toEqual({ partition: 0, offset: 0 });
        expect(await append(topic, 1, 'c')).toEqual({ partition: 1, offset: 0 });
        expect(await append(topic, 0, 'd')).toEqual({ partition: 0, offset: 2 });
        expect(await harness.log.offsets(topic)).toEqual([
          { begin: 0, end: 3 },
          { begin: 0, end: 1 },
        ]);
        expect(valuesOf(await readAll(topic, 0))).toEqual(['a', 'b', 'd']);
        expect(valuesOf(await readAll(topic, 1))).toEqual(['c']);
      });

      it('keep key, value and headers as they are, also over a restart', async () => {
        const topic = await newTopic();
        const header = (name: string, value: string) => ({ name, value: bytes(value) });
        const records: LogRecord[] = [
          { value: bytes('plain') },
          { key: bytes('k'), value: null },
          { key: bytes(''), value: bytes('') },
          { key: Uint8Array.of(0, 255), value: Uint8Array.of(128, 0), headers: [header('a', '1'), header('a', '2'), header('b', '')] },
        ];
        await harness.log.append({ topic: topic.name, partition: 0, records });
        await harness.reopen();
        expect((await readAll(topic)).map(({ key, value, headers }) => ({ key, value, headers }))).toEqual([
          { key: null, value: bytes('plain'), headers: [] },
          { key: bytes('k'), value: null, headers: [] },
          { key: bytes(''), value: bytes(''), headers: [] },
          { key: Buffer.of(0, 255), value: Buffer.of(128, 0), headers: [header('a', '1'), header('a', '2'), header('b', '')] },
        ]);
      });

      it('stamp arrival, whatever the value says', async () => {
        const topic = await newTopic();
        const before = Date.now();
        const times = [0, before + 23 * 3_600_000];
        await append(topic, 0, ...times.map((time) => JSON.stringify({ time })));
        const records = await readAll(topic);
        expect(valuesOf(records)).toEqual(times.map((time) => JSON.stringify({ time })));
        for (const { timestampMs } of records) {
          expect(timestampMs).toBeGreaterThanOrEqual(before - 1);
          expect(timestampMs).toBeLessThanOrEqual(Date.now() + 1);
        }
      });

      it('of nothing change nothing', async () => {
        const topic = await newTopic();
        expect(await append(topic, 0)).toEqual({ partition: 0, offset: 0 });
        await append(topic, 0, 'a');
        expect(await append(topic, 0)).toEqual({ partition: 0, offset: 1 });
        expect(await harness.log.offsets(topic)).toEqual([{ begin: 0, end: 1 }]);
      });

      it('that are not awaited keep the order of their calls', async () => {
        const topic = await newTopic(2);
        const calls = Array.from({ length: 300 }, (_, index) => ({
          partition: index % 2,
          values: Array.from({ length: (index * 7) % 20 }, (_, at) => `${index}.${at}`),
        }));
        const results = await Promise.all(calls.map(({ partition, values }) => append(topic, partition, ...values)));
        for (const partition of [0, 1]) {
          const stored = valuesOf(await readAll(topic, partition));
          const mine = calls.filter((call) => call.partition === partition);
          expect(stored).toEqual(mine.flatMap(({ values }) => values));
        }
        calls.forEach(({ partition, values }, index) => {
          if (values.length === 0) return;
          const earlier = calls.slice(0, index).filter((call) => call.partition === partition);
          expect(results[index]?.offset).toBe(earlier.reduce((sum, call) => sum + call.values.length, 0));
        });
      });

      it('take large records and batches, and refuse a record over the limit with all of its batch', async () => {
        const topic = await newTopic();
        const large = Buffer.alloc(maxRecordBytes - 3, 'x');
        await harness.log.append({ topic: topic.name, partition: 0, records: [{ key: bytes('key'), value: large }] });
        const many = Array.from({ length: 30_000 }, (_, index) => ({ value: bytes(`${index}:${'y'.repeat(100)}`) }));
        expect(await harness.log.append({ topic: topic.name, partition: 0, records: many })).toEqual({ partition: 0, offset: 1 });
        const tooLarge = { value: Buffer.alloc(maxRecordBytes + 1) };
        await expect(
          harness.log.append({ topic: topic.name, partition: 0, records: [{ value: bytes('a') }, tooLarge] }),
        ).rejects.toMatchObject({ code: 'logRecordTooLarge' });
        const records = await readAll(topic);
        expect(records).toHaveLength(30_001);
        expect(records[0]?.value?.equals(large)).toBe(true);
        records.forEach(({ offset, value }, index) => {
          if (offset !== index || (index > 0 && !value?.equals(many[index - 1]?.value ?? bytes(''))))
            throw new Error(`record ${index} differs`);
        });
      });

      it('take many records of no size', async () => {
        const topic = await newTopic();
        const count = 150_000;
        await harness.log.append({ topic: topic.name, partition: 0, records: Array.from({ length: count }, () => ({ value: bytes('') })) });
        expect(await harness.log.offsets(topic)).toEqual([{ begin: 0, end: count }]);
        expect(await readAll(topic)).toHaveLength(count);
      });

      it('need a topic and a partition that are there', async () => {
        const topic = await newTopic(2);
        await expect(append({ ...topic, name: harness.topicName() }, 0, 'a')).rejects.toMatchObject({ code: 'logTopicNotFound' });
        for (const partition of [2, -1, 0.5]) {
          await expect(append(topic, partition, 'a'), String(partition)).rejects.toMatchObject({ code: 'invariantBroken' });
        }
      });
    });

    describe('reads', () => {
      it('are bounded in records and bytes, but give at least one', async () => {
        const topic = await newTopic();
        await append(topic, 0, ...Array.from({ length: 10 }, (_, index) => String(index).repeat(100)));
        const read = (offset: number, limits: Partial<FetchLimits>) =>
          harness.log.read({ topic, partition: 0, offset, ...noWait, ...limits });
        const summary = ({ records, nextOffset, endOffset, unreadable }: LogBatch) => [
          records.map(({ offset }) => offset),
          nextOffset,
          endOffset,
          unreadable,
        ];
        expect(summary(await read(0, { maxRecords: 3 }))).toEqual([[0, 1, 2], 3, 10, []]);
        expect(summary(await read(3, { maxBytes: 250 }))).toEqual([[3, 4], 5, 10, []]);
        expect(summary(await read(9, { maxBytes: 1, maxRecords: 1 }))).toEqual([[9], 10, 10, []]);
        expect(summary(await read(4, {}))).toEqual([[4, 5, 6, 7, 8, 9], 10, 10, []]);
        expect(summary(await read(10, {}))).toEqual([[], 10, 10, []]);
      });

      it('give what was appended, in whatever pieces either is done', async () => {
        const pieces = fc.array(fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }), { minLength: 1, maxLength: 8 });
        const limits = fc.record({ maxRecords: fc.integer({ min: 1, max: 40 }), maxBytes: fc.integer({ min: 1, max: 400 }) });
        const property = fc.asyncProperty(pieces, fc.infiniteStream(limits), async (appends, reads) => {
          const topic = await newTopic();
          for (const values of appends) await append(topic, 0, ...values);
          const expected = appends.flat();
          const seen: string[] = [];
          for (let offset = 0; offset < expected.length; ) {
            const batch = await harness.log.read({ topic, partition: 0, offset, waitMs: 1000, ...reads.next().value });
            batch.records.forEach((record, index) => {
              expect(record.offset).toBe(offset + index);
            });
            expect(batch.nextOffset).toBe(offset + batch.records.length);
            seen.push(...valuesOf(batch.records));
            offset = batch.nextOffset;
          }
          expect(seen).toEqual(expected);
        });
        await fc.assert(property, { numRuns: 10 });
      });

      it('wait for a record, no longer than asked', async () => {
        const topic = await newTopic(2);
        const read = (limits: Partial<FetchLimits>) => harness.log.read({ topic, partition: 0, offset: 0, ...noWait, ...limits });
        expect(await read({ waitMs: 20 })).toEqual({ records: [], nextOffset: 0, endOffset: 0, unreadable: [] });
        const waiting = [read({ waitMs: endlessMs }), read({ waitMs: endlessMs })];
        await append(topic, 1, 'elsewhere');
        await append(topic, 0, 'here');
        for (const batch of await Promise.all(waiting)) expect(valuesOf(batch.records)).toEqual(['here']);
      });

      it('end normally on abort', async () => {
        const topic = await newTopic();
        const abort = new AbortController();
        const waiting = harness.log.read({ topic, partition: 0, offset: 0, ...noWait, waitMs: endlessMs, signal: abort.signal });
        setImmediate(() => abort.abort());
        expect((await waiting).records).toEqual([]);
        const late = await harness.log.read({ topic, partition: 0, offset: 0, ...noWait, waitMs: endlessMs, signal: AbortSignal.abort() });
        expect(late.records).toEqual([]);
      });

      it('refuse offsets that the partition does not have', async () => {
        const topic = await newTopic();
        await append(topic, 0, 'a');
        for (const offset of [2, 1000]) {
          const reading = harness.log.read({ topic, partition: 0, offset, ...noWait, waitMs: endlessMs });
          await expect(reading, String(offset)).rejects.toMatchObject({ code: 'logOffsetOutOfRange' });
        }
      });
    });

    describeLogGroups(() => harness);

    it('closed, it refuses everything and ends what waits', async () => {
      const topic = await newTopic();
      const consumer = await harness.log.join({ group: harness.topicName(), topics: [topic.name], start: 'begin' });
      const held = await firstPartition(consumer);
      const waiting = Promise.allSettled([
        held.fetch({ ...noWait, waitMs: endlessMs }),
        harness.log.read({ topic, partition: 0, offset: 0, ...noWait, waitMs: endlessMs }),
      ]);
      const closed = harness.log;
      await closed[Symbol.asyncDispose]();
      await closed[Symbol.asyncDispose]();
      expect(await waiting).toMatchObject([
        { status: 'fulfilled', value: 'revoked' },
        { status: 'rejected', reason: { code: 'logUnavailable' } },
      ]);
      expect(held.isOwned).toBe(false);
      const refused = [
        () => closed.ensureTopic({ name: topic.name, partitions: 1 }),
        () => closed.topic(topic.name),
        () => closed.deleteTopic(topic.name),
        () => closed.offsets(topic),
        () => closed.append({ topic: topic.name, partition: 0, records: [{ value: bytes('a') }] }),
        () => closed.read({ topic, partition: 0, offset: 0, ...noWait }),
        () => closed.join({ group: 'g', topics: [topic.name], start: 'begin' }),
        () => closed.groupOffsets('g', topic),
      ];
      for (const method of refused) await expect(method(), String(method)).rejects.toMatchObject({ code: 'logUnavailable' });
      await harness.reopen();
    });
  });
}

async function firstPartition(consumer: LogConsumer): Promise<OwnedPartition> {
  for await (const held of consumer.partitions(new AbortController().signal)) return held;
  throw new Error('The consumer was given no partition.');
}
