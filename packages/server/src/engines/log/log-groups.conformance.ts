import { describe, expect, it } from 'vitest';
import type { FetchLimits, LogEngine, LogTopic, OwnedPartition, StoredRecord } from './log-engine.ts';

interface GroupsHarness {
  readonly log: LogEngine;
  topicName(): string;
  reopen(): Promise<void>;
}

const noWait: FetchLimits = { maxRecords: 100_000, maxBytes: 100_000_000, waitMs: 0 };
const endlessMs = 600_000;
const valuesOf = (records: readonly StoredRecord[]): string[] => records.map(({ value }) => value?.toString() ?? 'null');

/** The contract of consumer groups; a part of `describeLogEngine`. */
export function describeLogGroups(harnessOf: () => GroupsHarness): void {
  describe('groups', () => {
    const newTopic = (partitions = 1): Promise<LogTopic> => harnessOf().log.ensureTopic({ name: harnessOf().topicName(), partitions });
    const append = (topic: LogTopic, partition: number, ...values: string[]) =>
      harnessOf().log.append({ topic: topic.name, partition, records: values.map((value) => ({ value: Buffer.from(value) })) });
    const join = (group: string, topic: LogTopic, start: 'begin' | 'end' = 'begin') =>
      Member.join(harnessOf().log, { group, topics: [topic.name], start });

    it('begin at the first record, or at the end', async () => {
      const topic = await newTopic();
      await append(topic, 0, 'a', 'b');
      await using early = await join(harnessOf().topicName(), topic);
      await using late = await join(harnessOf().topicName(), topic, 'end');
      const fromBegin = await early.holds(1);
      const fromEnd = await late.holds(1);
      expect([fromBegin[0]?.position, fromEnd[0]?.position]).toEqual([0, 2]);
      await append(topic, 0, 'c');
      expect(await fetched(fromBegin[0])).toEqual(['a', 'b', 'c']);
      expect(await fetched(fromEnd[0])).toEqual(['c']);
    });

    it('go on at the commit, and show their lag in records', async () => {
      const topic = await newTopic(2);
      const group = harnessOf().topicName();
      await append(topic, 0, 'a', 'b', 'c', 'd');
      await append(topic, 1, 'x');
      expect(await harnessOf().log.groupOffsets(group, topic)).toEqual([
        { begin: 0, end: 4, committed: undefined, lag: 4 },
        { begin: 0, end: 1, committed: undefined, lag: 1 },
      ]);
      {
        await using member = await join(group, topic);
        const held = await member.holds(2);
        const first = held.find(({ partition }) => partition === 0);
        expect(await fetched(first, { maxRecords: 3 })).toEqual(['a', 'b', 'c']);
        expect(first?.position).toBe(3);
        expect(await first?.commit(3)).toBe('committed');
        // It may go back.
        expect(await first?.commit(2)).toBe('committed');
      }
      await harnessOf().reopen();
      expect(await harnessOf().log.groupOffsets(group, topic)).toEqual([
        { begin: 0, end: 4, committed: 2, lag: 2 },
        { begin: 0, end: 1, committed: undefined, lag: 1 },
      ]);
      await using member = await join(group, topic);
      const held = await member.holds(2);
      const next = await Promise.all(held.toSorted((a, b) => a.partition - b.partition).map((partition) => fetched(partition)));
      expect(next).toEqual([['c', 'd'], ['x']]);
    });

    it('wait for records, and end a wait on abort', async () => {
      const topic = await newTopic();
      await using member = await join(harnessOf().topicName(), topic);
      const [held] = await member.holds(1);
      const waiting = fetched(held, { waitMs: endlessMs });
      await append(topic, 0, 'a');
      expect(await waiting).toEqual(['a']);
      const abort = new AbortController();
      const aborted = fetched(held, { waitMs: endlessMs, signal: abort.signal });
      setImmediate(() => abort.abort());
      expect(await aborted).toEqual([]);
      expect(held?.position).toBe(1);
      await expect(Promise.all([fetched(held), fetched(held)])).rejects.toMatchObject({ code: 'invariantBroken' });
    });

    it('seek to and fro, also under a fetch that waits', async () => {
      const topic = await newTopic();
      await append(topic, 0, 'a', 'poison', 'c');
      await using member = await join(harnessOf().topicName(), topic);
      const [held] = await member.holds(1);
      expect(await fetched(held, { maxRecords: 1 })).toEqual(['a']);
      held?.seek(2);
      expect(await fetched(held)).toEqual(['c']);
      const waiting = fetched(held, { waitMs: endlessMs });
      setImmediate(() => held?.seek(1));
      expect(await waiting).toEqual(['poison', 'c']);
      held?.seek(4);
      await expect(fetched(held)).rejects.toMatchObject({ code: 'logOffsetOutOfRange' });
      held?.seek(0);
      expect(await fetched(held)).toEqual(['a', 'poison', 'c']);
    });

    it('share the partitions, and take them from whoever has too many', async () => {
      const topic = await newTopic(4);
      const group = harnessOf().topicName();
      await using first = await join(group, topic);
      const before = await first.holds(4);
      const waiting = before.map((held) => held.fetch({ ...noWait, waitMs: endlessMs }));
      await using second = await join(group, topic);
      await Promise.all([first.holds(2), second.holds(2)]);
      expect(first.held().length + second.held().length).toBe(4);
      const lost = before.filter((held) => !first.held().includes(held));
      expect(lost.length).toBeGreaterThanOrEqual(2);
      for (const held of lost) {
        expect([held.isOwned, held.revoked.aborted]).toEqual([false, true]);
        expect(await waiting[before.indexOf(held)]).toBe('revoked');
        expect(await held.fetch(noWait)).toBe('revoked');
        expect(await held.commit(0)).toBe('revoked');
      }
      await first[Symbol.asyncDispose]();
      const all = await second.holds(4);
      expect(new Set(all.map(({ partition }) => partition)).size).toBe(4);
      for (const held of before) expect(held.isOwned).toBe(false);
    });

    it('see every record at least once and in order, whoever comes and goes', async () => {
      const topic = await newTopic(3);
      const group = harnessOf().topicName();
      const perPartition = 200;
      const seen = Array.from({ length: 3 }, () => new Set<number>());
      const done = Promise.withResolvers<void>();
      const work = async (held: OwnedPartition): Promise<void> => {
        for (;;) {
          const batch = await held.fetch({ ...noWait, maxRecords: 7, waitMs: endlessMs });
          if (batch === 'revoked') return;
          batch.records.forEach(({ offset, value }, index) => {
            expect(offset).toBe((batch.records[0]?.offset ?? 0) + index);
            expect(value?.toString()).toBe(String(offset));
            seen[held.partition]?.add(offset);
          });
          expect(held.position).toBe(batch.nextOffset);
          await held.commit(batch.nextOffset);
          if (seen.every(({ size }) => size === perPartition)) done.resolve();
        }
      };
      const members = [await join(group, topic), await join(group, topic)];
      for (const member of members) member.onGiven(work);
      for (let round = 0; round < 10; round += 1) {
        for (let partition = 0; partition < 3; partition += 1) {
          await append(
            topic,
            partition,
            ...Array.from({ length: perPartition / 10 }, (_, index) => String((round * perPartition) / 10 + index)),
          );
        }
        if (round % 3 === 2) {
          const next = await join(group, topic);
          next.onGiven(work);
          members.push(next);
          await members.shift()?.[Symbol.asyncDispose]();
        }
      }
      await done.promise;
      for (const member of members) await member[Symbol.asyncDispose]();
      expect(seen.map(({ size }) => size)).toEqual([perPartition, perPartition, perPartition]);
      expect(await harnessOf().log.groupOffsets(group, topic)).toEqual(
        Array(3).fill({ begin: 0, end: perPartition, committed: perPartition, lag: 0 }),
      );
    });

    it('lose the partitions of a deleted topic, and get those of its successor', async () => {
      const old = await newTopic();
      const group = harnessOf().topicName();
      await append(old, 0, 'old');
      await using member = await join(group, old);
      const [held] = await member.holds(1);
      expect(await fetched(held)).toEqual(['old']);
      await held?.commit(1);
      const waiting = held?.fetch({ ...noWait, waitMs: endlessMs });
      await harnessOf().log.deleteTopic(old.name);
      const topic = await harnessOf().log.ensureTopic({ name: old.name, partitions: 1 });
      await append(topic, 0, 'new');
      expect(await waiting).toBe('revoked');
      const next = await member.holdsWhere(({ topic: { id } }) => id === topic.id);
      expect(next.position).toBe(0);
      expect(await fetched(next)).toEqual(['new']);
      expect(await held?.commit(1)).toBe('revoked');
    });

    it('need topics that are there', async () => {
      const { log } = harnessOf();
      const joining = log.join({ group: harnessOf().topicName(), topics: [harnessOf().topicName()], start: 'begin' });
      await expect(joining).rejects.toMatchObject({ code: 'logTopicNotFound' });
    });
  });
}

async function fetched(held: OwnedPartition | undefined, limits: Partial<FetchLimits> = {}): Promise<string[] | 'revoked' | undefined> {
  const batch = await held?.fetch({ ...noWait, waitMs: 5000, ...limits });
  return typeof batch === 'object' ? valuesOf(batch.records) : batch;
}

/** A consumer whose partitions can be waited for. */
class Member implements AsyncDisposable {
  readonly #all: OwnedPartition[] = [];
  readonly #stop = new AbortController();
  readonly #dispose: () => Promise<void>;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  #work: ((held: OwnedPartition) => Promise<void>) | undefined;
  readonly #working: Promise<void>[] = [];

  private constructor(partitions: (signal: AbortSignal) => AsyncIterable<OwnedPartition>, dispose: () => Promise<void>) {
    this.#dispose = dispose;
    this.#working.push(this.#collect(partitions(this.#stop.signal)));
  }

  static async join(log: LogEngine, options: { group: string; topics: readonly string[]; start: 'begin' | 'end' }): Promise<Member> {
    const consumer = await log.join(options);
    return new Member(
      (signal) => consumer.partitions(signal),
      async () => {
        await consumer[Symbol.asyncDispose]();
      },
    );
  }

  held(): OwnedPartition[] {
    return this.#all.filter(({ isOwned }) => isOwned);
  }

  onGiven(work: (held: OwnedPartition) => Promise<void>): void {
    this.#work = work;
    for (const held of this.held()) this.#working.push(work(held));
  }

  /** Exactly so many. */
  async holds(count: number): Promise<OwnedPartition[]> {
    while (this.held().length !== count) await this.#changed.promise;
    return this.held();
  }

  async holdsWhere(matches: (held: OwnedPartition) => boolean): Promise<OwnedPartition> {
    for (;;) {
      const found = this.held().find(matches);
      if (found !== undefined) return found;
      await this.#changed.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
    this.#stop.abort();
    await Promise.all(this.#working);
  }

  async #collect(partitions: AsyncIterable<OwnedPartition>): Promise<void> {
    for await (const held of partitions) {
      this.#all.push(held);
      held.revoked.addEventListener('abort', () => this.#notify(), { once: true });
      if (this.#work !== undefined) this.#working.push(this.#work(held));
      this.#notify();
    }
  }

  #notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
