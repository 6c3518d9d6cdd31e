import type { Client } from 'cassandra-driver';

/** Tables of the original system that are read where they are there, and never made or written. */
export interface LegacyTables {
  readonly packets: boolean;
  readonly hourlyUsage: boolean;
}

interface SchemaOptions {
  readonly keyspace: string;
  readonly replicas: number;
}

/**
 * Makes the keyspace and the tables that are missing: `users` as the original has it, ours beside it. A range and the total of its
 * session lie in one partition, that of the user and hour, so that both are written as one mutation.
 */
export async function ensureSchema(client: Client, { keyspace, replicas }: SchemaOptions): Promise<LegacyTables> {
  const known = await client.execute('SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?', [keyspace]);
  if (known.rowLength === 0) {
    await client.execute(
      `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${replicas}}`,
    );
  }
  const found = await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace]);
  const tables = new Set(found.rows.map((row) => String(row['table_name'])));
  for (const [name, columns] of Object.entries(ownTables)) {
    if (!tables.has(name)) await client.execute(`CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${columns}`);
  }
  return { packets: tables.has('packets'), hourlyUsage: tables.has('hourly_usage') };
}

const figures = 'packets bigint, bytes bigint, media_ms bigint, dropped bigint';

const ownTables: Readonly<Record<string, string>> = {
  users: 'user_id text, timestamp timestamp, PRIMARY KEY (user_id, timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)',
  usage_ranges: `user_id text, hour timestamp, channel_id text, session_id text, flush bigint, epoch bigint,
    first_sequence bigint, last_sequence bigint, ${figures}, PRIMARY KEY ((user_id, hour), channel_id, session_id, flush))`,
  usage_totals: `user_id text, hour timestamp, channel_id text, session_id text, flush bigint, ${figures},
    start_time timestamp, end_time timestamp, PRIMARY KEY ((user_id, hour), channel_id, session_id))`,
  packet_log: `user_id text, day timestamp, at timestamp, channel_id text, session_id text, epoch bigint,
    first_sequence bigint, last_sequence bigint, packets bigint, bytes bigint,
    PRIMARY KEY ((user_id, day), at, channel_id, session_id, epoch, first_sequence))`,
};
