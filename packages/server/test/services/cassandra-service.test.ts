import { randomUUID } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { expect, test } from 'vitest';
import { cassandraService } from '../support/services/cassandra-service.ts';
import { sharedService } from '../support/services/shared-services.ts';

test('a row that is written only where there is none stays as it is', async () => {
  const { host, port, dataCenter, user, password } = await sharedService(cassandraService);
  const keyspace = `probe_${randomUUID().slice(0, 8)}`;
  const client = new Client({
    contactPoints: [`${host}:${port}`],
    localDataCenter: dataCenter,
    credentials: { username: user, password },
    socketOptions: { readTimeout: 60_000 },
  });
  try {
    await client.connect();
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    await client.execute(`CREATE TABLE ${keyspace}.rows (id text PRIMARY KEY, value int)`);
    const insert = async (value: number) => {
      const { rows } = await client.execute(`INSERT INTO ${keyspace}.rows (id, value) VALUES ('a', ?) IF NOT EXISTS`, [value], {
        prepare: true,
      });
      return rows[0]?.['[applied]'];
    };
    expect([await insert(1), await insert(2)]).toEqual([true, false]);
    const { rows } = await client.execute(`SELECT value FROM ${keyspace}.rows WHERE id = 'a'`);
    expect(rows.map((row) => row['value'])).toEqual([1]);
    await client.execute(`DROP KEYSPACE ${keyspace}`);
  } finally {
    await client.shutdown();
  }
});
