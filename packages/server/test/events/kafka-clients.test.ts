import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventLane, type LaneEngines, prepareEngines, removeEngines } from '../support/lane/event-lane.ts';
import type { LaneProcess } from '../support/lane/lane-process.ts';
import { kafkaRecords } from '../support/lane/logged-events.ts';
import type { PlacedEvent } from '../support/lane/placed-event.ts';
import { influxEvents, postgresEvents } from '../support/lane/stored-events.ts';
import { confluentPython, runConfluent } from '../support/services/confluent-client.ts';
import { kcat, runKcat } from '../support/services/kcat.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

beforeAll(async () => {
  await Promise.all([kcat(), confluentPython()]);
});

describe.each([
  { listener: 'plain', secure: false, client: 'kcat' },
  { listener: 'SASL_SSL with SCRAM-SHA-512', secure: true, client: 'confluent-kafka' },
])('$client, and the lane on the $listener listener', ({ secure }) => {
  let engines: LaneEngines;
  let stack: AsyncDisposableStack;
  let api: LaneProcess;
  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    engines = await prepareEngines();
    stack.defer(() => removeEngines(engines));
    const folder = stack.use(await openTempFolder());
    const lane = new EventLane({ engines, folder: folder.path, partitions: 1, secure });
    api = stack.use(await lane.api());
    const consumers = [stack.use(await lane.consumerHigh('high')), stack.use(await lane.consumerLow('low'))];
    await api.start();
    await Promise.all(consumers.map((consumer) => consumer.start()));
  });
  afterAll(() => stack.disposeAsync());

  const write = (values: readonly string[]) => (secure ? confluentWrite(engines, values) : kcatWrite(engines, values));
  const read = () => (secure ? confluentRead(engines) : kcatRead(engines));

  it('reads what the events API wrote, byte for byte as it always was', async () => {
    const first = Date.now();
    const posts = [
      { type: 'application/json', body: `[{"time":${first},"amount":"6.046602879796196"},{"time":${first + 1},"amount":5}]` },
      { type: 'application/text', body: `{"time":${first + 2},"amount":"1e-7"}\n\n {"amount":"+5.50", "time":${first + 3}, "more":1} ` },
      { type: 'application/json', body: `{"time":${first + 4},"amount":1e21}` },
    ];
    const before = await read();
    for (const { type, body } of posts) {
      const answer = await fetch(api.urls['event-api'] ?? '', { method: 'POST', headers: { 'Content-Type': type }, body });
      expect(answer.status).toBe(200);
    }
    expect((await read()).slice(before.length)).toEqual([
      `{"time":${first},"amount":"6.046602879796196"}`,
      `{"time":${first + 1},"amount":"5"}`,
      `{"time":${first + 2},"amount":"1e-7"}`,
      `{"time":${first + 3},"amount":"5.5"}`,
      `{"time":${first + 4},"amount":"1e+21"}`,
    ]);
  });

  it('writes what the consumers read: each event in the store of its route', async () => {
    const first = Date.now() + 1000;
    const values = [
      `{"time":${first},"amount":"7.25"}`,
      `{"time":${first + 1},"amount":"5"}`,
      `{"time":${first + 1},"amount":"5.0000001"}`,
      `{"Time":${first + 2},"AMOUNT":2.5,"more":[1]}`,
      `{"time":${first + 2},"amount":"-3"}`,
    ];
    await write(values);
    const ours = ({ time }: PlacedEvent) => time >= first;
    const wanted = {
      high: [`${first} 7.25`, `${first + 1} 5.0000001`],
      low: [`${first + 1} 5`, `${first + 2} -3`, `${first + 2} 2.5`],
    };
    const stored = await waitFor(
      async () => ({
        high: (await postgresEvents(engines.postgresUrl))
          .filter(ours)
          .map(text)
          .toSorted((one, other) => one.localeCompare(other)),
        low: (await influxEvents(engines.influxUrl, engines.influxDatabase))
          .filter(ours)
          .map(text)
          .toSorted((one, other) => one.localeCompare(other)),
      }),
      ({ high, low }) => high.length + low.length === values.length,
    );
    expect(stored).toEqual(wanted);
  });

  it('writes what is no event, which goes to the dead letters, with its place and reason, and holds up nobody', async () => {
    const time = Date.now() + 2000;
    await write(['no event', `{"time":${time},"amount":"9"}`]);
    const stored = await waitFor(
      async () => (await postgresEvents(engines.postgresUrl)).filter((event) => event.time === time),
      ({ length }) => length > 0,
    );
    expect(stored).toHaveLength(1);
    const letters = await waitFor(
      () => deadLetters(engines),
      (found) => found.length === 2,
    );
    const offset = (stored[0]?.offset ?? 0) - 1;
    for (const route of ['high', 'low']) {
      expect(letters).toContainEqual(
        expect.objectContaining({ value: 'no event', reason: 'invalid', route, partition: '0', offset: String(offset) }),
      );
    }
  });
});

const text = ({ time, amount }: PlacedEvent): string => `${time} ${amount}`;

async function kcatRead({ kafka, topic }: LaneEngines): Promise<string[]> {
  return (await kafkaRecords(kafka.plain, topic)).map(({ value }) => value);
}

async function kcatWrite({ kafka, topic }: LaneEngines, values: readonly string[]): Promise<void> {
  await runKcat(['-b', kafka.plain, '-P', '-t', topic], values.map((value) => `${value}\n`).join(''));
}

async function deadLetters({ kafka, topic }: LaneEngines): Promise<Record<string, string>[]> {
  const out = await runKcat(['-b', kafka.plain, '-C', '-t', `${topic}.dlq`, '-o', 'beginning', '-e', '-q', '-f', '%h\t%s\n']);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [headers = '', value = ''] = line.split('\t');
      const fields = headers.split(',').map((header) => header.replace(/^source-/, '').split('='));
      return { ...Object.fromEntries(fields), value };
    });
}

const client = `
import json, sys
from confluent_kafka import Consumer, Producer, TopicPartition
options = json.loads(sys.argv[1])
topic = sys.argv[2]
login = {'bootstrap.servers': options['secure'], 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512',
  'sasl.username': options['admin']['user'], 'sasl.password': options['admin']['password'], 'ssl.ca.location': options['caFile']}
`;

const reader = `${client}
consumer = Consumer({**login, 'group.id': 'reader', 'enable.auto.commit': False})
_, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
consumer.assign([TopicPartition(topic, 0, 0)])
values = []
while len(values) < end:
  message = consumer.poll(20)
  if message is None or message.error(): raise SystemExit('nothing came: ' + str(message and message.error()))
  values.append(message.value().decode())
consumer.close()
print(json.dumps(values))
`;

const writer = `${client}
producer = Producer(login)
for value in json.loads(sys.argv[3]): producer.produce(topic, value=value.encode(), partition=0)
if producer.flush(20) != 0: raise SystemExit('not everything was written')
`;

async function confluentRead({ kafka, topic }: LaneEngines): Promise<string[]> {
  return JSON.parse(await runConfluent(reader, [JSON.stringify(kafka), topic])) as string[];
}

async function confluentWrite({ kafka, topic }: LaneEngines, values: readonly string[]): Promise<void> {
  await runConfluent(writer, [JSON.stringify(kafka), topic, JSON.stringify(values)]);
}
