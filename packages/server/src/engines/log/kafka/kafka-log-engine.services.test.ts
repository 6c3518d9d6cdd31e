import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type KafkaAddress, kafkaService } from '../../../../test/support/services/kafka-service.ts';
import { runKcat } from '../../../../test/support/services/kcat.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { describeLogEngine, type LogHarness } from '../log-engine.conformance.ts';
import { openKafkaLog } from './open-kafka-log.ts';

let kafka: KafkaAddress;
beforeAll(async () => {
  kafka = await sharedService(kafkaService);
});

const open = () =>
  openKafkaLog(
    { kind: 'kafka', brokers: [kafka.plain], clientId: 'test', sessionTimeoutMs: 1500, deliveryTimeoutMs: 10_000, replicas: -1 },
    { logger: silentLogger, clock: systemClock },
  );

describeLogEngine('kafka', async (): Promise<LogHarness> => {
  let log = await open();
  const names: string[] = [];
  return {
    get log() {
      return log;
    },
    topicName: () => {
      const name = `t-${randomUUID()}`;
      names.push(name);
      return name;
    },
    reopen: async () => {
      await log[Symbol.asyncDispose]();
      log = await open();
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of names) await log.deleteTopic(name);
      await log[Symbol.asyncDispose]();
    },
  };
});

test('other clients read what is appended, and what they write is read, compressed or not', async () => {
  await using log = await open();
  const topic = await log.ensureTopic({ name: `t-${randomUUID()}`, partitions: 1 });
  const record = { key: Buffer.from('key'), value: Buffer.from('value'), headers: [{ name: 'name', value: Buffer.from('header') }] };
  await log.append({ topic: topic.name, partition: 0, records: [record] });
  const told = await runKcat(['-C', '-b', kafka.plain, '-t', topic.name, '-o', 'beginning', '-e', '-q', '-f', '%o %k %s %h\n']);
  expect(told).toBe('0 key value name=header\n');
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  for (const codec of codecs) {
    const lines = Array.from({ length: 20 }, (_, index) => `${codec}:${index} ${'x'.repeat(100)}`).join('\n');
    await runKcat(['-P', '-b', kafka.plain, '-t', topic.name, '-p', '0', '-z', codec, '-K', ':', '-H', 'h=1'], lines);
  }
  const { records, unreadable } = await log.read({ topic, partition: 0, offset: 1, maxRecords: 1000, maxBytes: 1_000_000, waitMs: 5000 });
  const all = [...records];
  for (let offset = (records.at(-1)?.offset ?? 0) + 1; all.length < 20 * codecs.length; ) {
    const batch = await log.read({ topic, partition: 0, offset, maxRecords: 1000, maxBytes: 1_000_000, waitMs: 5000 });
    all.push(...batch.records);
    offset = batch.nextOffset;
  }
  expect(unreadable).toEqual([]);
  expect(all.map(({ key, value }) => `${key}:${value}`)).toEqual(
    codecs.flatMap((codec) => Array.from({ length: 20 }, (_, index) => `${codec}:${index} ${'x'.repeat(100)}`)),
  );
  expect(all.every(({ headers }) => headers[0]?.name === 'h' && headers[0].value.toString() === '1')).toBe(true);
  await log.deleteTopic(topic.name);
});
