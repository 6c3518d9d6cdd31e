import { randomUUID } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CassandraAddress, cassandraService } from '../../../../test/support/services/cassandra-service.ts';
import { openOwnService } from '../../../../test/support/services/own-service.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { openUsageStore } from '../registry.ts';
import type { UsageConfig } from '../usage-config.ts';
import { describeUsageStore, testRange, type UsageHarness } from '../usage-store.conformance.ts';
import { dayMs, hourMs, type UsageStore } from '../usage-store.ts';

type CassandraConfig = Extract<UsageConfig, { kind: 'cassandra' }>;

const never = new AbortController().signal;
const h0 = testRange(1).hourMs;
const window = { user: 'user-1', fromMs: h0 - 24 * hourMs, toMs: h0 + 24 * hourMs };
const newKeyspace = (): string => `test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;

let address: CassandraAddress;
let admin: Client;
beforeAll(async () => {
  address = await sharedService(cassandraService);
  admin = await connect(address);
});
afterAll(() => admin?.shutdown());

async function connect({ host, port, dataCenter, user, password }: CassandraAddress): Promise<Client> {
  const client = new Client({
    contactPoints: [`${host}:${port}`],
    localDataCenter: dataCenter,
    credentials: { username: user, password },
    socketOptions: { readTimeout: 60_000 },
  });
  await client.connect();
  return client;
}

const configOf = ({ host, port, user, password }: CassandraAddress, given: Partial<CassandraConfig> = {}): CassandraConfig => ({
  ...{ kind: 'cassandra', nodes: [`${host}:${port}`], user, password, keyspace: newKeyspace(), timeoutMs: 30_000 },
  ...given,
});

/** To make tables takes seconds, to empty them does not: all tests of the contract have one keyspace. */
const conformanceKeyspace = newKeyspace();
afterAll(() => admin?.execute(`DROP KEYSPACE IF EXISTS ${conformanceKeyspace}`));

async function openHarness(): Promise<UsageHarness> {
  const config = configOf(address, { keyspace: conformanceKeyspace });
  const open = () => openUsageStore(config);
  let stores = [await open(), await open()];
  const close = () => Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
  return {
    get store() {
      return stores[0]!;
    },
    get other() {
      return stores[1]!;
    },
    async reopen() {
      await close();
      stores = [await open(), await open()];
    },
    async [Symbol.asyncDispose]() {
      await close();
      for (const table of ['users', 'usage_ranges', 'usage_totals', 'packet_log']) {
        await admin.execute(`TRUNCATE ${conformanceKeyspace}.${table}`);
      }
    },
  };
}

describeUsageStore('cassandra', openHarness);

/** The tables of the original system, as it made them. */
async function makeOriginal(keyspace: string): Promise<void> {
  await admin.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
  for (const table of [
    'users (user_id text, timestamp timestamp, PRIMARY KEY (user_id, timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)',
    `packets (user_id text, timestamp timestamp, channel_id text, sequence_number bigint,
      PRIMARY KEY ((user_id), timestamp, channel_id, sequence_number)) WITH CLUSTERING ORDER BY (timestamp DESC)`,
    `hourly_usage (user_id text, hour timestamp, channel_id text, pkt_count counter,
      PRIMARY KEY ((user_id), hour, channel_id)) WITH CLUSTERING ORDER BY (hour DESC)`,
  ]) {
    await admin.execute(`CREATE TABLE ${keyspace}.${table}`);
  }
}

async function withStore(config: CassandraConfig, work: (store: UsageStore) => Promise<void>): Promise<void> {
  try {
    await using store = await openUsageStore(config);
    await work(store);
  } finally {
    await admin.execute(`DROP KEYSPACE IF EXISTS ${config.keyspace}`);
  }
}

describe('usage in Cassandra', () => {
  it('reads what the original wrote, beside its own, and writes no counter', async () => {
    const config = configOf(address);
    const { keyspace = '' } = config;
    await makeOriginal(keyspace);
    const prepare = { prepare: true };
    for (const ms of [7, 9])
      await admin.execute(`INSERT INTO ${keyspace}.users (user_id, timestamp) VALUES (?, ?)`, ['user-1', ms], prepare);
    const count = `UPDATE ${keyspace}.hourly_usage SET pkt_count = pkt_count + ? WHERE user_id = ? AND hour = ? AND channel_id = ?`;
    for (const [hour, channel, packets] of [
      [h0, 'zato01', 120],
      [h0 - hourMs, 'zato02', 49],
      [h0 + 24 * hourMs, 'zato01', 1],
    ] as const)
      await admin.execute(count, [packets, 'user-1', new Date(hour), channel], prepare);
    const insert = `INSERT INTO ${keyspace}.packets (user_id, timestamp, channel_id, sequence_number) VALUES (?, ?, ?, ?)`;
    for (const [ms, sequence] of [
      [1, 4],
      [1, 5],
      [3, 6],
    ] as const)
      await admin.execute(insert, ['user-1', new Date(h0 + ms), 'zato01', sequence], prepare);
    await withStore(config, async (store) => {
      expect(await store.findUser('user-1', never)).toEqual({ user: 'user-1', registeredAtMs: 9 });
      expect(await store.addUser({ user: 'user-1', registeredAtMs: 11 }, never)).toBe(false);
      await store.writeRanges([testRange(1)], never);
      expect(await store.readLegacyCounts(window, never)).toEqual([
        { hourMs: h0 - hourMs, channel: 'zato02', packets: 49 },
        { hourMs: h0, channel: 'zato01', packets: 120 },
      ]);
      expect(await store.sumUsage(window, never)).toMatchObject([{ channel: 'zato01', packets: 10 }]);
      const run = { ...{ user: 'user-1', channel: 'zato01', sessionId: 's1', epoch: 1 }, ...{ from: 7, to: 9, packets: 3, bytes: 60 } };
      await store.logPackets([{ ...run, atMs: h0 + 2 }], never);
      const query = { user: 'user-1', afterMs: h0, toMs: h0 + dayMs };
      const all = await store.listPackets({ ...query, limit: 10 }, never);
      expect(all.rows.map(({ atMs, sessionId, from, to }) => [atMs - h0, sessionId, from, to])).toEqual([
        [1, '', 4, 4],
        [1, '', 5, 5],
        [2, 's1', 7, 9],
        [3, '', 6, 6],
      ]);
      const pages = [
        await store.listPackets({ ...query, limit: 3 }, never),
        await store.listPackets({ ...query, afterMs: h0 + 2, limit: 3 }, never),
      ];
      expect(pages.map(({ rows, more }) => [rows.length, more])).toEqual([
        [3, true],
        [1, false],
      ]);
      expect(await store.removeUser('user-1', never)).toBe(true);
      expect(await store.findUser('user-1', never)).toBeUndefined();
      const counters = await admin.execute(`SELECT pkt_count FROM ${keyspace}.hourly_usage`);
      expect(counters.rows.map((row) => Number(row['pkt_count'])).toSorted()).toEqual([1, 120, 49]);
    });
  });

  it('lets ranges and packets expire, and totals never', async () => {
    const config = configOf(address, { rangesMs: 1000, packetsMs: 1000 });
    await withStore(config, async (store) => {
      await store.writeRanges([testRange(1)], never);
      const { rows } = await admin.execute(`SELECT ttl(packets) AS ttl FROM ${config.keyspace}.usage_ranges`);
      expect(rows.map((row) => Number(row['ttl']))).toEqual([1]);
      const totals = await admin.execute(`SELECT ttl(packets) AS ttl FROM ${config.keyspace}.usage_totals`);
      expect(totals.rows.map((row) => row['ttl'])).toEqual([null]);
    });
  });

  it('works with a login that may not make tables, where they are there', async () => {
    const config = configOf(address);
    await withStore(config, async (store) => {
      await store.probe(never);
      const role = newKeyspace();
      await admin.execute(`CREATE ROLE ${role} WITH PASSWORD = 'role-secret' AND LOGIN = true`);
      await admin.execute(`GRANT SELECT ON KEYSPACE ${config.keyspace} TO ${role}`);
      try {
        await using reader = await openUsageStore({ ...config, user: role, password: 'role-secret' });
        expect(await reader.sumUsage(window, never)).toEqual([]);
        await expect(reader.writeRanges([testRange(1)], never)).rejects.toMatchObject({
          code: 'usageUnavailable',
          message: expect.stringContaining('no MODIFY permission'),
        });
      } finally {
        await admin.execute(`DROP ROLE ${role}`);
      }
    });
  });

  it('says what is wrong with a login and a place, without the password', async () => {
    const wrong: [Partial<CassandraConfig>, string][] = [
      [{ password: 'guessed-secret' }, 'Provided username cassandra and/or password are incorrect'],
      [{ nodes: ['127.0.0.1:1'] }, 'ECONNREFUSED'],
      [{ dataCenter: 'nowhere' }, 'nowhere'],
    ];
    for (const [given, text] of wrong) {
      await using store = await openUsageStore(configOf(address, given));
      const error = await store.probe(never).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'usageUnavailable', message: expect.stringContaining(text) });
      expect(String(error)).not.toContain('guessed-secret');
    }
  });

  it('loses and doubles nothing while the server is killed and writes are repeated', async () => {
    await using server = await openOwnService(cassandraService);
    const config = configOf(server.address, { timeoutMs: 5000 });
    await using store = await openUsageStore(config);
    const written: number[] = [];
    let isOver = false;
    let failures = 0;
    const writing = (async () => {
      while (!isOver) {
        const flush = written.length + 1;
        try {
          await store.writeRanges([testRange(flush)], never);
          written.push(flush);
        } catch (error) {
          expect(error).toMatchObject({ code: 'usageUnavailable' });
          failures += 1;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    })();
    const untilMore = async () => {
      const wanted = written.length + 20;
      await expect.poll(() => written.length, { timeout: 60_000 }).toBeGreaterThan(wanted);
    };
    await untilMore();
    await server.kill();
    await expect.poll(() => failures, { timeout: 60_000 }).toBeGreaterThan(0);
    await server.start();
    await untilMore();
    isOver = true;
    await writing;
    // What was written within the last period of its commit log was not on its disk yet; writing it again mends that.
    await store.writeRanges(written.map((flush) => testRange(flush)).slice(-1000), never);
    const [sum] = await store.sumUsage(window, never);
    expect(sum).toMatchObject({ packets: 10 * written.length, bytes: 13_160 * written.length });
  });
});
