import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import {
  AclOperations,
  type AclOperationValue,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
  type ResourceTypeValue,
} from '@platformatic/kafka';
import { beforeAll, expect, test } from 'vitest';
import { type KafkaAddress, kafkaService } from '../../../../test/support/services/kafka-service.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { MetricRegistry } from '../../../kernel/observe/metrics.ts';
import type { LogConfig } from '../log-config.ts';
import { logMetricTable } from '../log-metrics.ts';
import { openLogEngine } from '../registry.ts';

type KafkaConfig = Extract<LogConfig, { kind: 'kafka' }>;

let kafka: KafkaAddress;
beforeAll(async () => {
  kafka = await sharedService(kafkaService);
});

const open = (config: LogConfig) => openLogEngine(config, { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) });
const secure = ({ user, password } = kafka.admin): KafkaConfig => ({
  kind: 'kafka',
  brokers: [kafka.secure],
  deliveryTimeoutMs: 3000,
  sasl: { mechanism: 'SCRAM-SHA-512', username: user, password },
  tls: { caFile: kafka.caFile },
});

test('a user that has logged in over TLS appends, reads and consumes', async () => {
  await using folder = await openTempFolder();
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, `${kafka.admin.password}\n`);
  await using log = await open({ ...secure(), sasl: { mechanism: 'SCRAM-SHA-512', username: kafka.admin.user, passwordFile } });
  const topic = await log.ensureTopic({ name: `t-${randomUUID()}`, partitions: 1 });
  await log.append({ topic: topic.name, partition: 0, records: [{ value: Buffer.from('a') }] });
  await using consumer = await log.join({ group: topic.name, topics: [topic.name], start: 'begin' });
  for await (const held of consumer.partitions(new AbortController().signal)) {
    const batch = await held.fetch({ maxRecords: 10, maxBytes: 1000, waitMs: 5000 });
    expect(batch).toMatchObject({ records: [{ value: Buffer.from('a') }] });
    expect(await held.commit(1)).toBe('committed');
    break;
  }
  await log.deleteTopic(topic.name);
});

test('a refusal is told as such, with what to do, and without the password', async () => {
  const refusals: readonly (readonly [KafkaConfig, RegExp])[] = [
    [secure({ user: kafka.admin.user, password: 'guessed-secret' }), /password/],
    [secure({ user: 'nobody', password: 'guessed-secret' }), /password/],
    [{ ...secure(), sasl: { mechanism: 'PLAIN', username: 'admin', password: 'guessed-secret' } }, /SASL mechanism/],
    [{ ...secure(), tls: {} }, /CA file/],
  ];
  for (const [config, text] of refusals) {
    const error = await open(config).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error, String(text)).toMatchObject({ code: 'logDenied', message: expect.stringMatching(text) });
    expect(JSON.stringify(error) + String(error)).not.toContain('guessed-secret');
  }
});

test('what is not granted is denied, not tried for ever', async () => {
  await using admin = await open({ kind: 'kafka', brokers: [kafka.plain] });
  const topic = await admin.ensureTopic({ name: `t-${randomUUID()}`, partitions: 1 });
  await using log = await open(secure(kafka.restricted));
  const denied = [
    () => log.append({ topic: topic.name, partition: 0, records: [{ value: Buffer.from('a') }] }),
    () => log.ensureTopic({ name: `t-${randomUUID()}`, partitions: 1 }),
    () => log.join({ group: 'g', topics: [topic.name], start: 'begin' }),
    () => log.offsets(topic),
  ];
  for (const method of denied) {
    await expect(method(), String(method)).rejects.toMatchObject({
      code: 'logDenied',
      message: expect.stringContaining('access control lists'),
    });
  }
  await admin.deleteTopic(topic.name);
});

test('a user needs no more than the grants that the guide names', async () => {
  const name = `granted-${randomUUID()}`;
  await grantTo(kafka.restricted.user, name);
  await using log = await open(secure(kafka.restricted));
  const topic = await log.ensureTopic({ name, partitions: 1 });
  await log.append({ topic: name, partition: 0, records: [{ value: Buffer.from('a') }] });
  await using consumer = await log.join({ group: name, topics: [name], start: 'begin' });
  for await (const held of consumer.partitions(new AbortController().signal)) {
    expect(await held.fetch({ maxRecords: 10, maxBytes: 1000, waitMs: 5000 })).toMatchObject({ nextOffset: 1 });
    expect(await held.commit(1)).toBe('committed');
    break;
  }
  expect(await log.groupOffsets(name, topic)).toMatchObject([{ committed: 1, lag: 0 }]);
  // Another group is not granted: its consumer ends, and says why.
  await using stranger = await log.join({ group: `other-${randomUUID()}`, topics: [name], start: 'begin' });
  await expect(Array.fromAsync(stranger.partitions(new AbortController().signal))).rejects.toMatchObject({ code: 'logDenied' });
  await using admin = await open({ kind: 'kafka', brokers: [kafka.plain] });
  await admin.deleteTopic(name);
});

test('brokers that cannot be spoken to are told with what to check', async () => {
  const plain: KafkaConfig = { kind: 'kafka', brokers: [`127.0.0.1:${await closedPort()}`], deliveryTimeoutMs: 1000 };
  await expect(open(plain)).rejects.toMatchObject({
    code: 'logUnavailable',
    message: expect.stringMatching(/ECONNREFUSED.*that they run/s),
  });
  const spokenWrongly = [
    { ...plain, brokers: [kafka.secure] },
    { ...plain, brokers: [kafka.plain], tls: {} },
  ];
  for (const config of spokenWrongly) await expect(open(config)).rejects.toMatchObject({ code: 'logUnavailable' });
  await expect(open({ ...plain, brokers: ['nonsense'] })).rejects.toMatchObject({ code: 'configInvalid' });
  await expect(open({ ...plain, tls: { caFile: '/nowhere/ca.pem' } })).rejects.toMatchObject({ code: 'configInvalid' });
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Create, read and write on the topics, and read on the groups, whose names begin so. */
async function grantTo(user: string, prefix: string): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka.plain] });
  const grant = (resourceType: ResourceTypeValue, operation: AclOperationValue) => ({
    resourceType,
    resourceName: prefix,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${user}`,
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  });
  const { CREATE, READ, WRITE } = AclOperations;
  const creations = [CREATE, READ, WRITE].map((operation) => grant(ResourceTypes.TOPIC, operation));
  try {
    await admin.createAcls({ creations: [...creations, grant(ResourceTypes.GROUP, READ)] });
  } finally {
    await admin.close();
  }
}
