import { randomUUID } from 'node:crypto';
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { beforeAll, expect, test } from 'vitest';
import { runConfluent } from '../support/services/confluent-client.ts';
import { plainConnection, secureConnection } from '../support/services/kafka-connection.ts';
import { type KafkaAddress, kafkaService } from '../support/services/kafka-service.ts';
import { runKcat } from '../support/services/kcat.ts';
import { openOwnService } from '../support/services/own-service.ts';
import { sharedService } from '../support/services/shared-services.ts';

type Connection = ReturnType<typeof plainConnection>;

let kafka: KafkaAddress;
beforeAll(async () => {
  kafka = await sharedService(kafkaService);
});

test('a client of the plain listener reads what it wrote', async () => {
  const connection = plainConnection(kafka);
  const topic = await makeTopic(kafka);
  await produce(connection, topic, ['a', 'b', 'c']);
  expect(await consume(connection, topic, 3)).toEqual(['a', 'b', 'c']);
});

test('a client that has logged in over TLS reads what it wrote', async () => {
  const connection = await secureConnection(kafka, kafka.admin);
  const topic = await makeTopic(kafka);
  await produce(connection, topic, ['a', 'b', 'c']);
  expect(await consume(connection, topic, 3)).toEqual(['a', 'b', 'c']);
});

test('a wrong password is refused as such', async () => {
  const wrong = await secureConnection(kafka, { ...kafka.admin, password: 'guessed' });
  expect(codesOf(await refusal(wrong))).toContain('PLT_KFK_AUTHENTICATION');
});

test('the secure listener takes nobody without a login', async () => {
  const { sasl, ...anonymous } = await secureConnection(kafka, kafka.admin);
  expect(await refusal(anonymous)).toBeInstanceOf(Error);
});

test('its certificate is trusted through the given authority only', async () => {
  const trusting = await secureConnection(kafka, kafka.admin);
  expect(codesOf(await refusal({ ...trusting, tls: {} }))).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('the restricted user may not write to a topic that nothing grants', async () => {
  const topic = await makeTopic(kafka);
  const error = await produce(await secureConnection(kafka, kafka.restricted), topic, ['a']).catch((reason: unknown) => reason);
  expect(codesOf(error)).toContainEqual(expect.stringMatching(/_AUTHORIZATION_FAILED$/));
});

test('a topic does not make itself', async () => {
  const absent = `absent-${randomUUID()}`;
  const admin = new Admin({ ...plainConnection(kafka), retries: 0 });
  try {
    await expect(admin.metadata({ topics: [absent], autocreateTopics: true })).rejects.toThrow(`Unknown topic ${absent}`);
    // Had the node started to make it, it would be there before one that is asked for later and takes records.
    const later = await makeTopic(kafka);
    await produce(plainConnection(kafka), later, ['a']);
    const topics = await admin.listTopics();
    expect(topics).toContain(later);
    expect(topics).not.toContain(absent);
  } finally {
    await admin.close();
  }
});

test('a group may have sessions of half a second, and no shorter ones', async () => {
  expect(await join(500)).toMatch(/./);
  const error = await join(499).catch((reason: unknown) => reason);
  expect(codesOf(error)).toContain('INVALID_SESSION_TIMEOUT');
});

test('kcat writes and reads on the plain listener', async () => {
  const topic = await makeTopic(kafka);
  await runKcat(['-b', kafka.plain, '-P', '-t', topic, '-p', '0'], 'from kcat\n');
  await produce(plainConnection(kafka), topic, ['from the product']);
  expect(await consume(plainConnection(kafka), topic, 2)).toEqual(['from kcat', 'from the product']);
  expect(await runKcat(['-b', kafka.plain, '-C', '-t', topic, '-e', '-q'])).toBe('from kcat\nfrom the product\n');
});

test('the Confluent client writes and reads on the secure listener', async () => {
  const topic = await makeTopic(kafka);
  const connection = await secureConnection(kafka, kafka.admin);
  await produce(connection, topic, ['from the product']);
  expect(await confluent(topic, 'from Python')).toBe('from the product\nfrom Python\n');
  expect(await consume(connection, topic, 2)).toEqual(['from the product', 'from Python']);
});

test('the Confluent client with a wrong password is refused', async () => {
  const topic = await makeTopic(kafka);
  await expect(confluent(topic, 'x', 'guessed')).rejects.toThrow('code=_AUTHENTICATION');
});

test('a killed node comes back at the same address with what it had acknowledged', async () => {
  await using own = await openOwnService(kafkaService);
  const topic = await makeTopic(own.address);
  await produce(plainConnection(own.address), topic, ['before']);
  const first = own.pid();
  await own.kill();
  expect(await refusal(plainConnection(own.address))).toBeInstanceOf(Error);
  await own.start();
  expect(own.pid()).not.toBe(first);
  await produce(await secureConnection(own.address, own.address.admin), topic, ['after']);
  expect(await consume(plainConnection(own.address), topic, 2)).toEqual(['before', 'after']);
});

/** A topic of one partition; the name is new. */
async function makeTopic(address: KafkaAddress): Promise<string> {
  const topic = `test-${randomUUID()}`;
  const admin = new Admin(plainConnection(address));
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }).finally(() => admin.close());
  return topic;
}

async function produce(connection: Connection, topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({ ...connection, serializers: stringSerializers, idempotent: true, acks: -1, retries: 1 });
  const messages = values.map((value) => ({ topic, value, partition: 0 }));
  await producer.send({ messages }).finally(() => producer.close());
}

/** The first values of a topic, through a new group. */
async function consume(connection: Connection, topic: string, count: number): Promise<string[]> {
  const consumer = new Consumer({ ...connection, groupId: `group-${randomUUID()}`, deserializers: stringDeserializers });
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 });
    const values: string[] = [];
    for await (const { value } of stream) if (values.push(String(value)) === count) break;
    return values;
  } finally {
    await consumer.close(true);
  }
}

/** Joins a new group and gives the member's id. */
async function join(sessionTimeout: number): Promise<string> {
  const consumer = new Consumer({ ...plainConnection(kafka), groupId: `group-${randomUUID()}`, retries: 0 });
  try {
    return await consumer.joinGroup({ sessionTimeout, heartbeatInterval: 100 });
  } finally {
    await consumer.close(true);
  }
}

/** Why this client cannot ask for the topics. */
async function refusal(connection: Connection): Promise<unknown> {
  const admin = new Admin({ ...connection, retries: 0 });
  try {
    return await admin.listTopics();
  } catch (error) {
    return error;
  } finally {
    await admin.close();
  }
}

/** Every code in an error and in what it is made of. */
function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const own = [error].flatMap((each) => ['code', 'apiId'].map((name) => String(Reflect.get(each, name))));
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...own, ...[...inner, error.cause].flatMap(codesOf)];
}

/** Writes the value over SASL_SSL, then prints the whole topic. */
function confluent(topic: string, value: string, password = kafka.admin.password): Promise<string> {
  return runConfluent(confluentProgram, [kafka.secure, kafka.caFile, kafka.admin.user, password, topic, value]);
}

const confluentProgram = `
import sys
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

brokers, ca, user, password, topic, value = sys.argv[1:]

refusals = []
def note(error):
    if error.code() == KafkaError._AUTHENTICATION:
        refusals.append(error)

secure = {
    "bootstrap.servers": brokers, "security.protocol": "SASL_SSL", "ssl.ca.location": ca, "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": user, "sasl.password": password, "error_cb": note,
}
def delivered(error, message):
    if error is not None:
        raise KafkaException(error)

producer = Producer(secure)
producer.produce(topic, value.encode(), partition=0, on_delivery=delivered)
while len(producer) > 0 and not refusals:
    producer.poll(0.1)
if refusals:
    raise KafkaException(refusals[0])

consumer = Consumer({**secure, "group.id": "unused", "enable.partition.eof": True, "enable.auto.commit": False})
consumer.assign([TopicPartition(topic, 0, 0)])
while True:
    message = consumer.poll(20)
    if message is None:
        raise SystemExit("nothing came")
    if message.error() is None:
        print(message.value().decode())
    elif message.error().code() == KafkaError._PARTITION_EOF:
        break
    else:
        raise KafkaException(message.error())
consumer.close()
`;
