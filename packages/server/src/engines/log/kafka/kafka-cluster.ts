import {
  Admin,
  type Broker,
  type ClusterMetadata,
  type Connection,
  type ConnectionOptions,
  ConnectionPool,
  FindCoordinatorKeyTypes,
} from '@platformatic/kafka';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { LogTopic } from '../log-engine.ts';
import { logErrorOf, troubleOf } from './kafka-errors.ts';

export interface KafkaClientOptions extends ConnectionOptions {
  readonly clientId: string;
  readonly brokers: readonly Broker[];
}

interface LeaderQuery {
  readonly topic: string;
  readonly partition: number;
  /** Ask the cluster again instead of trusting what it said lately. */
  readonly refresh: boolean;
}

/** What the adapter knows of the cluster: topics with their ids, leaders, and connections to them. */
export class KafkaCluster implements AsyncDisposable {
  readonly admin: Admin;
  readonly #options: KafkaClientOptions;
  readonly #pools = new Set<ConnectionPool>();
  readonly #coordinators = new Map<string, Broker>();

  constructor(options: KafkaClientOptions) {
    this.#options = options;
    this.admin = new Admin(clientOptions(options));
  }

  /** Options for a further client of the same cluster. */
  get clientOptions() {
    return clientOptions(this.#options);
  }

  /** Undefined where the topic does not exist. */
  async topic(name: string): Promise<LogTopic | undefined> {
    try {
      const { topics } = await this.admin.metadata({ topics: [name], forceUpdate: true, retries: 0 });
      const found = topics.get(name);
      return found === undefined ? undefined : { name, id: found.id, partitions: found.partitionsCount };
    } catch (error) {
      if (isUnknownTopic(error)) return undefined;
      throw logErrorOf(error, `look up the topic ${name}`);
    }
  }

  async leader({ topic, partition, refresh }: LeaderQuery): Promise<Broker> {
    try {
      const metadata = await this.admin.metadata({ topics: [topic], forceUpdate: refresh, retries: 0 });
      return leaderOf(metadata, topic, partition);
    } catch (error) {
      if (isUnknownTopic(error)) throw new AppError('logTopicNotFound', `Kafka has no topic ${topic}.`, { cause: error });
      throw logErrorOf(error, `find the leader of partition ${partition} of ${topic}`);
    }
  }

  /** The broker that keeps a group. */
  async coordinator(group: string, { refresh }: { readonly refresh: boolean }): Promise<Broker> {
    const known = refresh ? undefined : this.#coordinators.get(group);
    if (known !== undefined) return known;
    try {
      const [found] = await this.admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [group] });
      if (found === undefined) throw new AppError('logUnavailable', `The group ${group} has no coordinator at the moment.`);
      const broker = { host: found.host, port: found.port };
      this.#coordinators.set(group, broker);
      return broker;
    } catch (error) {
      throw logErrorOf(error, `find the coordinator of the group ${group}`);
    }
  }

  /** Settles once a broker has answered. */
  async probe(): Promise<void> {
    try {
      await this.admin.metadata({ topics: [], forceUpdate: true });
    } catch (error) {
      const addresses = this.#options.brokers.map(({ host, port }) => `${host}:${port}`).join(', ');
      throw logErrorOf(error, `be reached at ${addresses}`);
    }
  }

  /** Connections of their own: a broker answers the requests of one connection one after the other. */
  openPool(): ConnectionPool {
    const { brokers: _, clientId, ...options } = this.#options;
    const pool = new ConnectionPool(clientId, options);
    this.#pools.add(pool);
    return pool;
  }

  async closePool(pool: ConnectionPool): Promise<void> {
    this.#pools.delete(pool);
    await pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...[...this.#pools].map((pool) => this.closePool(pool)), this.admin.close()]);
  }
}

/** A connection that is surely up; connecting is where addresses, certificates and passwords are found wrong. */
export async function connected(pool: ConnectionPool, broker: Broker): Promise<Connection> {
  try {
    return await pool.get(broker);
  } catch (error) {
    throw logErrorOf(error, `be reached at ${broker.host}:${broker.port}`);
  }
}

function clientOptions({ brokers, ...options }: KafkaClientOptions) {
  return { ...options, bootstrapBrokers: [...brokers], autocreateTopics: false, retries: 3, retryDelay: 200 };
}

function leaderOf(metadata: ClusterMetadata, topic: string, partition: number): Broker {
  const leader = metadata.topics.get(topic)?.partitions[partition]?.leader;
  const broker = leader === undefined ? undefined : metadata.brokers.get(leader);
  if (broker !== undefined) return broker;
  throw new AppError('logUnavailable', `Partition ${partition} of ${topic} has no leader at the moment; Kafka elects one when it can.`);
}

/** The client makes a plain sentence of the protocol's error. */
function isUnknownTopic(error: unknown): boolean {
  const { apiIds, texts } = troubleOf(error);
  return apiIds.has('UNKNOWN_TOPIC_OR_PARTITION') || texts.some((text) => text.startsWith('Unknown topic'));
}
