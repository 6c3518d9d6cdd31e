import type {
  AppendBatch,
  Appended,
  LogBatch,
  LogEngine,
  LogTopic,
  OffsetRange,
  ReadQuery,
  StoredRecord,
  TopicSpec,
} from '../../src/engines/log/log-engine.ts';
import { AppError } from '../../src/kernel/errors/app-error.ts';
import type { Clock } from '../../src/kernel/time/clock.ts';

interface MemoryTopic extends LogTopic {
  readonly records: StoredRecord[][];
}

/** Topics in memory, without groups. `step` is awaited before and after every operation on a topic, so that a test decides the order. */
export class MemoryLog implements LogEngine {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #clock: Clock;
  readonly #step: (what: string) => Promise<void>;
  #made = 0;

  constructor({ clock, step = () => Promise.resolve() }: { clock: Clock; step?: (what: string) => Promise<void> }) {
    this.#clock = clock;
    this.#step = step;
  }

  ensureTopic({ name, partitions }: TopicSpec): Promise<LogTopic> {
    const known = this.#topics.get(name);
    if (known) return Promise.resolve(known);
    this.#made += 1;
    const made = { name, id: `${name}#${this.#made}`, partitions, records: Array.from({ length: partitions }, () => []) };
    this.#topics.set(name, made);
    return Promise.resolve(made);
  }

  topic(name: string): Promise<LogTopic | undefined> {
    return Promise.resolve(this.#topics.get(name));
  }

  deleteTopic(name: string): Promise<void> {
    this.#topics.delete(name);
    return Promise.resolve();
  }

  async offsets(topic: LogTopic): Promise<readonly OffsetRange[]> {
    await this.#step(`offsets of ${topic.name}`);
    const ranges = this.#records(topic).map(({ length }) => ({ begin: 0, end: length }));
    await this.#step(`offsets of ${topic.name} told`);
    return ranges;
  }

  async append({ topic, partition, records }: AppendBatch): Promise<Appended> {
    await this.#step(`append to ${topic}`);
    const log = this.#topics.get(topic)?.records[partition];
    if (!log) throw new AppError('logTopicNotFound', `There is no topic ${topic}.`);
    const offset = log.length;
    for (const { key, value, headers = [] } of records) {
      const kept = headers.map((header) => ({ name: header.name, value: Buffer.from(header.value) }));
      log.push({
        offset: log.length,
        timestampMs: this.#clock.now(),
        key: key ? Buffer.from(key) : null,
        value: value ? Buffer.from(value) : null,
        headers: kept,
      });
    }
    await this.#step(`append to ${topic} told`);
    return { partition, offset };
  }

  async read({ topic, partition, offset, maxRecords }: ReadQuery): Promise<LogBatch> {
    await this.#step(`read ${topic.name}`);
    const log = this.#records(topic)[partition] ?? [];
    const records = log.slice(offset, offset + maxRecords);
    const endOffset = log.length;
    await this.#step(`read ${topic.name} told`);
    return { records, nextOffset: offset + records.length, endOffset, unreadable: [] };
  }

  join(): Promise<never> {
    return Promise.reject(new AppError('invariantBroken', 'The log in memory has no groups.'));
  }

  groupOffsets(): Promise<never> {
    return this.join();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #records({ name, id }: LogTopic): StoredRecord[][] {
    const known = this.#topics.get(name);
    if (known?.id !== id) throw new AppError('logTopicNotFound', `Topic ${name} is not there any more.`);
    return known.records;
  }
}
