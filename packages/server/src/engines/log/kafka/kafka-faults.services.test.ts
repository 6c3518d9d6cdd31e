import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type KafkaAddress, kafkaService } from '../../../../test/support/services/kafka-service.ts';
import { type OwnService, openOwnService } from '../../../../test/support/services/own-service.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { isAppError } from '../../../kernel/errors/app-error.ts';
import { MetricRegistry } from '../../../kernel/observe/metrics.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import type { LogEngine, LogTopic, OwnedPartition } from '../log-engine.ts';
import { logMetricTable } from '../log-metrics.ts';
import { openLogEngine } from '../registry.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { KafkaLogEngine } from './kafka-log-engine.ts';

const script = fileURLToPath(new URL('../../../../test/support/consume-until-killed.ts', import.meta.url));

let kafka: OwnService<KafkaAddress>;
beforeAll(async () => {
  kafka = await openOwnService(kafkaService);
});
afterAll(() => kafka[Symbol.asyncDispose]());

const open = (deliveryTimeoutMs = 20_000) =>
  openLogEngine(
    { kind: 'kafka', brokers: [kafka.address.plain], sessionTimeoutMs: 1500, deliveryTimeoutMs },
    { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) },
  );
const newTopic = (log: LogEngine, partitions = 1) => log.ensureTopic({ name: `t-${randomUUID()}`, partitions });
const append = (log: LogEngine, { name }: LogTopic, ...values: string[]) =>
  log.append({ topic: name, partition: 0, records: values.map((value) => ({ value: Buffer.from(value) })) });
const readAll = async (log: LogEngine, topic: LogTopic): Promise<string[]> => {
  const values: string[] = [];
  const end = (await log.offsets(topic))[0]?.end ?? 0;
  for (let offset = 0; offset < end; ) {
    const batch = await log.read({ topic, partition: 0, offset, maxRecords: 10_000, maxBytes: 10_000_000, waitMs: 1000 });
    values.push(...batch.records.map(({ value }) => String(value)));
    offset = batch.nextOffset;
  }
  return values;
};

test('a broker that is killed and comes back loses and doubles nothing that was acknowledged', async () => {
  await using log = await open();
  const topic = await newTopic(log);
  const stop = new AbortController();
  const acknowledged: string[] = [];
  const doubtful: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let number = 0; !stop.signal.aborted; number += 1) {
      const values = [`${name}-${number}-a`, `${name}-${number}-b`];
      try {
        await append(log, topic, ...values);
        acknowledged.push(...values);
      } catch (error) {
        if (!isAppError(error, 'logInDoubt')) throw error;
        doubtful.push(...values);
      }
    }
  };
  const working = ['x', 'y', 'z'].map(work);
  await waitFor(
    async () => acknowledged.length,
    (count) => count > 200,
  );
  await kafka.kill();
  await kafka.start();
  const before = acknowledged.length;
  await waitFor(
    async () => acknowledged.length,
    (count) => count > before + 200,
  );
  stop.abort();
  await Promise.all(working);
  const stored = await readAll(log, topic);
  expect(new Set(stored).size).toBe(stored.length);
  expect(acknowledged.filter((value) => !stored.includes(value))).toEqual([]);
  expect(stored.filter((value) => !acknowledged.includes(value) && !doubtful.includes(value))).toEqual([]);
});

test('records that never reached a broker are surely not appended', async () => {
  await using log = await open(1000);
  const topic = await newTopic(log);
  await append(log, topic, 'before');
  await kafka.kill();
  // Finds out that the connection is gone; it may have been written to.
  await append(log, topic, 'doubtful').catch(() => undefined);
  const error = await append(log, topic, 'lost').catch((reason: unknown) => reason);
  await kafka.start();
  expect(error).toMatchObject({ code: 'logUnavailable' });
  await waitFor(
    () => append(log, topic, 'after').catch(() => undefined),
    (appended) => appended !== undefined,
  );
  expect((await readAll(log, topic)).filter((value) => value !== 'doubtful')).toEqual(['before', 'after']);
});

test('records that a broker took and did not answer are in doubt, and do not disturb the next', async () => {
  await using log = await open(1500);
  const topic = await newTopic(log);
  await append(log, topic, 'before');
  process.kill(kafka.pid(), 'SIGSTOP');
  try {
    await expect(append(log, topic, 'doubtful')).rejects.toMatchObject({ code: 'logInDoubt' });
  } finally {
    process.kill(kafka.pid(), 'SIGCONT');
  }
  await waitFor(
    () => append(log, topic, 'after').catch(() => undefined),
    (appended) => appended !== undefined,
  );
  const stored = await readAll(log, topic);
  expect(stored.filter((value) => value !== 'doubtful')).toEqual(['before', 'after']);
  expect(stored.length).toBeLessThanOrEqual(3);
});

test('records that were sent again, because no answer came, are there once', async () => {
  const [host = '', port = ''] = kafka.address.plain.split(':');
  await using log = await KafkaLogEngine.open({
    client: { clientId: 'test', brokers: [{ host, port: Number(port) }], connectTimeout: 1000, requestTimeout: 300 },
    sessionTimeoutMs: 1500,
    deliveryTimeoutMs: 30_000,
    replicas: -1,
    clock: systemClock,
    logger: silentLogger,
  });
  const topic = await newTopic(log);
  await append(log, topic, 'before');
  process.kill(kafka.pid(), 'SIGSTOP');
  const appending = append(log, topic, 'twice');
  // Longer than a request: the first one is given up, and lies in the broker's socket.
  await sleep(1000);
  process.kill(kafka.pid(), 'SIGCONT');
  expect(await appending).toEqual({ partition: 0, offset: 1 });
  await append(log, topic, 'after');
  expect(await readAll(log, topic)).toEqual(['before', 'twice', 'after']);
});

test('a member that the group cannot hear owns nothing, and gets its partitions anew', async () => {
  await using log = await open();
  const topic = await newTopic(log);
  await using consumer = await log.join({ group: topic.name, topics: [topic.name], start: 'begin' });
  const given: OwnedPartition[] = [];
  const stop = new AbortController();
  const collecting = (async () => {
    for await (const held of consumer.partitions(stop.signal)) given.push(held);
  })();
  await waitFor(
    async () => given.length,
    (count) => count === 1,
  );
  process.kill(kafka.pid(), 'SIGSTOP');
  try {
    expect(
      await waitFor(
        async () => given[0]?.isOwned,
        (isOwned) => isOwned === false,
      ),
    ).toBe(false);
    expect(given[0]?.revoked.aborted).toBe(true);
    expect(await given[0]?.fetch({ maxRecords: 1, maxBytes: 1, waitMs: 0 })).toBe('revoked');
  } finally {
    process.kill(kafka.pid(), 'SIGCONT');
  }
  expect(
    await waitFor(
      async () => given.length,
      (count) => count >= 2,
    ),
  ).toBeGreaterThanOrEqual(2);
  await waitFor(
    async () => consumer.health,
    (trouble) => trouble === undefined,
  );
  expect(consumer.health).toBeUndefined();
  await append(log, topic, 'a');
  expect(await given.at(-1)?.fetch({ maxRecords: 1, maxBytes: 1, waitMs: 10_000 })).toMatchObject({
    records: [{ value: Buffer.from('a') }],
  });
  stop.abort();
  await collecting;
});

test('the partitions of a killed consumer go on elsewhere, at its last commit', async () => {
  await using log = await open();
  const topic = await newTopic(log);
  await append(log, topic, ...Array.from({ length: 200 }, (_, index) => String(index)));
  const child = spawn(process.execPath, [script, kafka.address.plain, topic.name, topic.name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const handled: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    handled.push(Number(line.split(' ')[1]));
    if (handled.length === 20) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(handled).toEqual(handled.map((_, index) => index));
  await using consumer = await log.join({ group: topic.name, topics: [topic.name], start: 'begin' });
  for await (const held of consumer.partitions(new AbortController().signal)) {
    // One record may have been committed and not be told any more.
    expect(held.position).toBeGreaterThanOrEqual(handled.length);
    expect(held.position).toBeLessThanOrEqual(handled.length + 1);
    break;
  }
});

test('a compacted topic takes records with keys', async () => {
  await using log = await open();
  const topic = await log.ensureTopic({ name: `t-${randomUUID()}`, partitions: 1, compacted: true });
  await expect(append(log, topic, 'no key')).rejects.toMatchObject({ message: expect.stringContaining('keys') });
  await log.append({ topic: topic.name, partition: 0, records: [{ key: Buffer.from('k'), value: Buffer.from('v') }] });
  expect(await readAll(log, topic)).toEqual(['v']);
});

test('a commit that is refused late takes away nothing that was given since', async () => {
  await using log = await open();
  const topic = await newTopic(log, 2);
  const membership = { group: randomUUID(), topics: [topic.name], start: 'begin' } as const;
  await using first = await log.join(membership);
  const given = first.partitions(new AbortController().signal)[Symbol.asyncIterator]();
  const next = async (): Promise<OwnedPartition> => {
    const { value } = await given.next();
    return value ?? expect.unreachable('the member is closed');
  };
  const held = await next();
  await next();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const coordinator = KafkaCluster.prototype.coordinator;
  const spy = vi.spyOn(KafkaCluster.prototype, 'coordinator').mockImplementationOnce(async function (this: KafkaCluster, ...query) {
    await answered;
    return coordinator.apply(this, query);
  });
  const commit = held.commit(0);
  await using second = await log.join(membership);
  const again = await next();
  answer();
  expect(await commit).toBe('revoked');
  expect(again.isOwned).toBe(true);
  expect(second.health).toBeUndefined();
  spy.mockRestore();
});
