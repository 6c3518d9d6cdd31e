import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { Client } from 'pg';
import { influx1Service } from '../services/influx1-service.ts';
import { plainConnection } from '../services/kafka-connection.ts';
import { type KafkaAddress, kafkaService } from '../services/kafka-service.ts';
import { postgresService } from '../services/postgres-service.ts';
import { sharedService } from '../services/shared-services.ts';
import { LaneProcess } from './lane-process.ts';

/** The engines of one lane of events: names of its own in the services that all tests share. */
export interface LaneEngines {
  readonly kafka: KafkaAddress;
  readonly topic: string;
  /** `postgres://…` of a database of its own. */
  readonly postgresUrl: string;
  readonly influxUrl: string;
  /** A database that the consumer makes. */
  readonly influxDatabase: string;
}

interface LaneOptions {
  readonly engines: LaneEngines;
  /** Holds the data folders of the processes. */
  readonly folder: string;
  readonly partitions: number;
  /** The processes log in to Kafka, over TLS. */
  readonly secure?: boolean;
  /** Further environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts what does not run, and makes a database; the topic is left to the lane. */
export async function prepareEngines(): Promise<LaneEngines> {
  const name = `lane_${randomUUID().replaceAll('-', '')}`;
  const [kafka, postgres, influx] = await Promise.all([
    sharedService(kafkaService),
    sharedService(postgresService),
    sharedService(influx1Service),
  ]);
  await runSql(postgres.url, `CREATE DATABASE ${name}`);
  const postgresUrl = new URL(postgres.url);
  postgresUrl.pathname = `/${name}`;
  return { kafka, topic: name, postgresUrl: postgresUrl.href, influxUrl: influx.url, influxDatabase: name };
}

/** Takes everything away again that the lane has made. */
export async function removeEngines({ kafka, topic, postgresUrl, influxUrl, influxDatabase }: LaneEngines): Promise<void> {
  const database = new URL(postgresUrl);
  const name = database.pathname.slice(1);
  database.pathname = '/postgres';
  await runSql(database.href, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  const dropped = await fetch(`${influxUrl}/query?${new URLSearchParams({ q: `DROP DATABASE "${influxDatabase}"` })}`, { method: 'POST' });
  if (!dropped.ok) throw new Error(`InfluxDB does not drop a database: ${await dropped.text()}`);
  const admin = new Admin(plainConnection(kafka));
  try {
    const ours = (await admin.listTopics()).filter((found) => found === topic || found.startsWith(`${topic}.`));
    if (ours.length > 0) await admin.deleteTopics({ topics: ours });
  } finally {
    await admin.close();
  }
}

/** Makes the processes of a lane, each with a data folder of its own; none is started. */
export class EventLane {
  readonly #options: LaneOptions;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** At a port given it comes back there; else each start has another. */
  api(port = 0): Promise<LaneProcess> {
    return this.#process('event-api', 'event-api', { HOST: '127.0.0.1', PORT: String(port) });
  }

  /** The high ones go to PostgreSQL. */
  consumerHigh(name: string): Promise<LaneProcess> {
    const { engines } = this.#options;
    return this.#process('consumer-high', name, { ...anyPort, KAFKA_GROUP: groupOf(engines.topic, 'high'), ...highStore(engines) });
  }

  /** The low ones go to InfluxDB. */
  consumerLow(name: string): Promise<LaneProcess> {
    const { engines } = this.#options;
    return this.#process('consumer-low', name, { ...anyPort, KAFKA_GROUP: groupOf(engines.topic, 'low'), ...lowStore(engines) });
  }

  /** 100 events a second, posted five times a second. */
  producer(port: number): Promise<LaneProcess> {
    const env = { API_HOST: '127.0.0.1', API_PORT: String(port), RATE: '100', BATCH_INTERVAL: '200ms' };
    return this.#process('event-producer', 'event-producer', env);
  }

  aggregator(): Promise<LaneProcess> {
    const { engines } = this.#options;
    return this.#process('aggregator', 'aggregator', { ...anyPort, ...highStore(engines), ...lowStore(engines) });
  }

  async #process(component: string, name: string, env: Readonly<Record<string, string>>): Promise<LaneProcess> {
    const { engines, folder, partitions, secure = false } = this.#options;
    const dataDir = join(folder, name);
    await mkdir(dataDir, { recursive: true });
    return new LaneProcess({
      name,
      args: [component, '--data-dir', dataDir, '--operations-listen', '127.0.0.1:0', '--log-level', 'warn'],
      env: {
        ...(secure ? secureKafka(engines.kafka) : { KAFKA_BROKERS: engines.kafka.plain }),
        KAFKA_TOPIC: engines.topic,
        KAFKA_TOPIC_PARTITIONS: String(partitions),
        ...env,
        ...this.#options.env,
      },
    });
  }
}

function highStore({ postgresUrl }: LaneEngines) {
  const { hostname, port, username, password, pathname } = new URL(postgresUrl);
  return {
    POSTGRES_HOST: hostname,
    POSTGRES_PORT: port,
    POSTGRES_USER: username,
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: pathname.slice(1),
    TIMESCALE: 'off',
  };
}

const lowStore = ({ influxUrl, influxDatabase }: LaneEngines) => ({
  INFLUXDB_HOST: new URL(influxUrl).host,
  INFLUXDB_BUCKET: influxDatabase,
  INFLUX_API: 'v1',
});

/** The consumer group of a route, of this topic alone. */
export const groupOf = (topic: string, route: 'high' | 'low'): string => `${topic}-${route}`;

const secureKafka = ({ secure, caFile, admin }: KafkaAddress) => ({
  KAFKA_BROKERS: secure,
  KAFKA_TLS: '1',
  KAFKA_TLS_CA_FILE: caFile,
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: admin.user,
  KAFKA_SASL_PASSWORD: admin.password,
});

const anyPort = { HOST: '127.0.0.1', PORT: '0' };

async function runSql(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
