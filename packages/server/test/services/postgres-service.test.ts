import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Client, DatabaseError } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { beforeAll, expect, test } from 'vitest';
import { openOwnService } from '../support/services/own-service.ts';
import { postgresService } from '../support/services/postgres-service.ts';
import { sharedService } from '../support/services/shared-services.ts';

let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(postgresService));
});

test('rows that are copied in are read back', async () => {
  await using client = await connect(url);
  await client.query('CREATE TEMPORARY TABLE points (at bigint PRIMARY KEY, amount double precision)');
  await pipeline([['1\t1.5\n', '2\t-0.25\n'].join('')], client.query(copyFrom('COPY points FROM STDIN')));
  expect((await client.query('SELECT at, amount FROM points ORDER BY at')).rows).toEqual([
    { at: '1', amount: 1.5 },
    { at: '2', amount: -0.25 },
  ]);
});

test('it is version 15 or newer, writes commits to the disk and logs for logical replication', async () => {
  await using client = await connect(url);
  const settings = ['server_version_num', 'fsync', 'synchronous_commit', 'wal_level'].map(
    (name) => `current_setting('${name}') AS ${name}`,
  );
  const [row] = (await client.query(`SELECT ${settings.join(', ')}`)).rows;
  expect(row).toMatchObject({ fsync: 'on', synchronous_commit: 'on', wal_level: 'logical' });
  expect(Number(row.server_version_num)).toBeGreaterThanOrEqual(150_000);
});

test('a wrong password is refused as such', async () => {
  const wrong = new URL(url);
  wrong.password = 'guessed';
  const error = await connect(wrong.href).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DatabaseError);
  expect(error).toMatchObject({ code: '28P01' });
});

test('a killed server comes back at the same address with what it had committed', async () => {
  await using own = await openOwnService(postgresService);
  const table = `t_${randomUUID().replaceAll('-', '')}`;
  {
    await using client = await connect(own.address.url);
    await client.query(`CREATE TABLE ${table} (n int)`);
    await client.query(`INSERT INTO ${table} SELECT generate_series(1, 1000)`);
    await own.kill();
  }
  await expect(connect(own.address.url)).rejects.toThrow();
  await own.start();
  await using again = await connect(own.address.url);
  expect((await again.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 1000 }]);
});

async function connect(connectionString: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  // The server may be killed under an idle client.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end();
    throw error;
  }
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
