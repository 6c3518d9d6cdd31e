import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openOwnService } from '../../../../test/support/services/own-service.ts';
import { postgresService } from '../../../../test/support/services/postgres-service.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { makeCertificate } from '../../../../test/support/test-certificate.ts';
import { TestClock } from '../../../../test/support/test-clock.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { openSeriesStore } from '../registry.ts';
import type { SeriesConfig } from '../series-config.ts';
import { describeSeriesStore, point, type SeriesHarness } from '../series-store.conformance.ts';
import { maxEventTimeMs, type SeriesStore } from '../series-store.ts';

type PostgresConfig = Extract<SeriesConfig, { kind: 'postgres' }>;

const never = new AbortController().signal;
const partition = { route: 'high', topicId: 'topic', partition: 0 };
const allTime = { fromMs: 0, toMs: maxEventTimeMs };
const batch = (from: number, length: number) => ({
  partition,
  from,
  to: from + length,
  points: Array.from({ length }, (_, index) => point(from + index, 1000 + index, 1)),
});

let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(postgresService));
});

/** A configuration for a table of its own in the database of the URL. */
function configOf(address: string, given: Partial<PostgresConfig> = {}): PostgresConfig {
  const { hostname, port, username, password, pathname } = new URL(address);
  const server = { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) };
  return { kind: 'postgres', ...server, table: `Events "${randomUUID().slice(0, 8)}"`, ...given };
}

const open = (config: PostgresConfig) => openSeriesStore(config, { log: silentLogger });

async function openReady(config: PostgresConfig): Promise<SeriesStore> {
  const store = await open(config);
  await store.ensureSchema(never);
  await store.readProgress(partition, never);
  return store;
}

async function connect(address: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: address });
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

const quoted = ({ table = '' }: PostgresConfig, suffix = '') => `"${`${table}${suffix}`.replaceAll('"', '""')}"`;

/** Until so many batches wait for the progress of their partition. */
async function waitForWriters(config: PostgresConfig, wanted: number): Promise<void> {
  await using watcher = await connect(url);
  const text = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`;
  const count = async () => (await watcher.query(text, [`UPDATE ${quoted(config, '_progress')}%`])).rows[0].n;
  expect(await waitFor(count, (n) => n === wanted)).toBe(wanted);
}

async function openHarness(): Promise<SeriesHarness> {
  const config = configOf(url);
  let stores = [await open(config), await open(config)];
  await stores[0]!.ensureSchema(never);
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
      stores = [await open(config), await open(config)];
    },
    async [Symbol.asyncDispose]() {
      await close();
      await using client = await connect(url);
      await client.query(`DROP TABLE ${['', '_progress', '_repeats'].map((suffix) => quoted(config, suffix)).join(', ')}`);
    },
  };
}

describeSeriesStore('postgres', { exactlyOnce: 'transactional', keepsAmountText: false, maxTimeMs: maxEventTimeMs }, openHarness);

describe('a series in PostgreSQL', () => {
  it('loses and doubles nothing while the server is killed again and again', async () => {
    await using server = await openOwnService(postgresService);
    await using store = await openReady(configOf(server.address.url));
    let next = 0;
    let isOver = false;
    let failures = 0;
    const writing = (async () => {
      while (!isOver) {
        try {
          next = (await store.readProgress(partition, never))!.next;
          for (;;) {
            const outcome = await store.write(batch(next, 100), never);
            next = outcome.outcome === 'fenced' ? outcome.next : next + 100;
            if (isOver) return;
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'seriesUnavailable' });
          failures += 1;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const before = next;
      await waitFor(
        async () => next,
        (now) => now > before + 500,
      );
      await server.kill();
      await server.start();
    }
    const last = next;
    await waitFor(
      async () => next,
      (now) => now > last,
    );
    isOver = true;
    await writing;
    expect(failures).toBeGreaterThan(0);
    const progress = (await store.readProgress(partition, never))!.next;
    expect(progress).toBe(next);
    const offsets = await store.readOffsets({ ...partition, window: allTime, fromOffset: 0, toOffset: 1_000_000 }, never);
    expect(offsets).toEqual(Array.from({ length: progress }, (_, offset) => offset));
  });

  it('waits for the transaction of a writer that is lost, and is fenced by it', async () => {
    const config = configOf(url);
    await using store = await openReady(config);
    await using lost = await connect(url);
    await lost.query('BEGIN');
    await lost.query(`UPDATE ${quoted(config, '_progress')} SET next = 10 WHERE next = 0`);
    const writing = store.write(batch(0, 10), never);
    await waitForWriters(config, 1);
    await lost.query('COMMIT');
    expect(await writing).toEqual({ outcome: 'fenced', next: 10 });
    expect(await store.countPoints(never)).toBe(0);
  });

  it('ends at its deadline, leaves nothing behind on the server, and works on', async () => {
    const config = configOf(url, { timeoutMs: 7777, maxConnections: 1 });
    let fire = (): void => {};
    const startTimer = (delayMs: number, onTime: () => void) => {
      expect(delayMs).toBe(7777);
      fire = onTime;
      return () => {};
    };
    await using store = await openSeriesStore(config, { log: silentLogger, startTimer });
    await store.ensureSchema(never);
    await store.readProgress(partition, never);
    await using other = await connect(url);
    await other.query('BEGIN');
    await other.query(`SELECT * FROM ${quoted(config, '_progress')} FOR UPDATE`);
    const writing = store.write(batch(0, 10), never);
    await waitForWriters(config, 1);
    fire();
    await expect(writing).rejects.toMatchObject({
      code: 'seriesUnavailable',
      message: 'The batch at offset 0 failed: no answer in 7777 ms.',
    });
    await other.query('ROLLBACK');
    await waitForWriters(config, 0);
    expect(await store.write(batch(0, 5), never)).toEqual({ outcome: 'stored', refused: [] });
    expect(await store.countPoints(never)).toBe(5);
  });

  it('stores nothing where a constraint of somebody else refuses rows, and names them all', async () => {
    const config = configOf(url);
    await using store = await openReady(config);
    await using client = await connect(url);
    await client.query(`ALTER TABLE ${quoted(config)} ADD CONSTRAINT small CHECK (amount < 100)`);
    const points = Array.from({ length: 50 }, (_, offset) => point(offset, 1000, [7, 8, 40].includes(offset) ? 100 : 1));
    const whole = { ...batch(0, 50), points, repeats: { chunk: Buffer.from('keys'), forgetThrough: 0 } };
    const refusal = (index: number) => ({ index, reason: 'rejected', text: expect.stringContaining('check constraint "small"') });
    expect(await store.write(whole, never)).toEqual({ outcome: 'refused', refused: [7, 8, 40].map(refusal) });
    expect([await store.countPoints(never), await store.readProgress(partition, never)]).toEqual([0, { next: 0, isNew: false }]);
    const rest = { ...whole, points: points.filter(({ amount }) => amount < 100) };
    expect(await store.write(rest, never)).toEqual({ outcome: 'stored', refused: [] });
    expect(await store.countPoints(never)).toBe(47);
    expect(await store.readProgress(partition, never)).toEqual({ next: 50, isNew: false });
    expect((await store.readRepeats({ partition, after: 0 }, never)).chunks).toHaveLength(1);
    // This one is every row's: none is given up for it.
    await client.query(`ALTER TABLE ${quoted(config)} ADD COLUMN must INT NOT NULL DEFAULT 1`);
    await client.query(`ALTER TABLE ${quoted(config)} ALTER COLUMN must DROP DEFAULT`);
    await expect(store.write(batch(50, 5), never)).rejects.toMatchObject({
      code: 'seriesMismatch',
      message: expect.stringContaining('must'),
    });
    expect(await store.readProgress(partition, never)).toEqual({ next: 50, isNew: false });
  });

  it('takes over a table of time and amount that is there, with its rows', async () => {
    const config = configOf(url);
    await using client = await connect(url);
    await client.query(`CREATE TABLE ${quoted(config)} (time TIMESTAMPTZ NOT NULL, amount DOUBLE PRECISION)`);
    await client.query(`INSERT INTO ${quoted(config)} VALUES ('2026-06-24T10:00:01Z', 7), ('2026-06-24T10:00:02Z', 9)`);
    await using store = await openReady(config);
    await store.write({ ...batch(0, 1), points: [point(0, Date.UTC(2026, 5, 24, 10, 0, 3), 2)] }, never);
    const window = { fromMs: Date.UTC(2026, 5, 24), toMs: Date.UTC(2026, 5, 25) };
    const buckets = await store.readBuckets({ window, stepMs: 10_000, fn: 'sum' }, never);
    expect(buckets).toEqual([{ startMs: Date.UTC(2026, 5, 24, 10), count: 3, value: 18 }]);
  });

  it('says at once that the server is not there, and does not knock again before its time', async () => {
    const clock = new TestClock();
    const config = configOf(url, { port: 1 });
    await using store = await openSeriesStore(config, { log: silentLogger, clock, random: () => 0 });
    const connecting = vi.spyOn(Client.prototype, 'connect');
    try {
      const reason = { code: 'seriesUnavailable', message: expect.stringContaining('ECONNREFUSED') };
      for (let time = 0; time < 5; time += 1) await expect(store.countPoints(never)).rejects.toMatchObject(reason);
      expect(connecting).toHaveBeenCalledTimes(1);
      clock.advance(100);
      for (let time = 0; time < 5; time += 1) await expect(store.countPoints(never)).rejects.toMatchObject(reason);
      expect(connecting).toHaveBeenCalledTimes(2);
    } finally {
      connecting.mockRestore();
    }
  });

  it('says what is wrong with a login, a database and a table, without the password', async () => {
    const wrong: [Partial<PostgresConfig>, string][] = [
      [{ password: 'guessed-secret' }, 'password authentication failed'],
      [{ database: 'nowhere' }, 'does not exist'],
      [{ table: 'never_ensured' }, 'never_ensured'],
    ];
    for (const [given, text] of wrong) {
      await using store = await open(configOf(url, given));
      const error = await store.countPoints(never).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining(text) });
      expect(String(error)).not.toContain('guessed-secret');
    }
  });

  it('encrypts, and knows the server where it must', async () => {
    await using server = await openOwnService(postgresService);
    const { address } = server;
    await using folder = await openTempFolder();
    const [own, foreign] = [await makeCertificate('server'), await makeCertificate('foreign')];
    const caFile = join(folder.path, 'ca.pem');
    const foreignFile = join(folder.path, 'foreign.pem');
    await writeFile(caFile, own.cert);
    await writeFile(foreignFile, foreign.cert);
    await using client = await connect(address.url);
    for (const [name, text] of [
      ['server.crt', own.cert],
      ['server.key', own.key],
    ]) {
      // In the data folder, by the server's own user.
      await client.query(`COPY (SELECT unnest(string_to_array('${text}', E'\\n'))) TO PROGRAM 'umask 077; cat > ${name}'`);
    }
    await client.query('ALTER SYSTEM SET ssl = on');
    await client.query('SELECT pg_reload_conf()');
    const usage = async (tls: Partial<PostgresConfig>) => {
      await using store = await open(configOf(address.url, { table: 'tls', ...tls }));
      await store.probe(never);
      const found = await client.query('SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1', [
        'sluice',
      ]);
      return found.rows.map(({ ssl }) => ssl);
    };
    const failed = { code: 'seriesUnavailable' };
    expect(
      await waitFor(
        () => usage({ tls: 'require' }).catch(() => undefined),
        (used) => used !== undefined,
      ),
    ).toEqual([true]);
    expect(await usage({ tls: 'off' })).toEqual([false]);
    expect(await usage({ tls: 'verify', caFile })).toEqual([true]);
    await expect(usage({ tls: 'verify', caFile: foreignFile })).rejects.toMatchObject(failed);
    await expect(usage({ tls: 'verify' })).rejects.toMatchObject(failed);
    expect(await usage({ tls: 'verify', caFile, host: 'localhost' })).toEqual([true]);
    // Leads to the same server, but the certificate does not name it.
    await expect(usage({ tls: 'verify', caFile, host: '0.0.0.0' })).rejects.toMatchObject(failed);
    await expect(usage({ tls: 'verify', caFile: '/nowhere.pem' })).rejects.toMatchObject({ code: 'configInvalid' });
  });

  describe('with TimescaleDB', () => {
    it('needs the extension where it is asked for, and does without it otherwise', async () => {
      await using wanted = await open(configOf(url, { timescale: 'on' }));
      await expect(wanted.ensureSchema(never)).rejects.toMatchObject({
        code: 'seriesMismatch',
        message: expect.stringContaining('timescaledb'),
      });
      await using off = await openReady(configOf(url, { timescale: 'off' }));
      expect(await off.countPoints(never)).toBe(0);
    });

    /** A server whose catalogue says that the extension is there, with a function that notes how it is called. */
    it('makes a hypertable where the extension is there, and a plain table where that fails', async () => {
      await using server = await openOwnService(postgresService);
      await using client = await connect(server.address.url);
      await client.query('SET allow_system_table_mods = on');
      await client.query(`INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (99999, 'timescaledb', 10, 'public'::regnamespace, false, '2.0')`);
      await client.query('CREATE TABLE calls (relation TEXT, column_name TEXT, if_not_exists BOOL, migrate_data BOOL)');
      await client.query(`CREATE FUNCTION create_hypertable(relation REGCLASS, column_name NAME, if_not_exists BOOL, migrate_data BOOL DEFAULT false)
        RETURNS VOID LANGUAGE SQL AS 'INSERT INTO calls VALUES (relation::text, column_name, if_not_exists, migrate_data)'`);
      const indexes = async (table: string) =>
        (await client.query('SELECT indexname FROM pg_indexes WHERE tablename = $1', [table])).rows.map(({ indexname }) => indexname);
      await using auto = await openReady(configOf(server.address.url, { table: 'events' }));
      await using on = await openReady(configOf(server.address.url, { table: 'Others', timescale: 'on' }));
      await using off = await openReady(configOf(server.address.url, { table: 'plain', timescale: 'off' }));
      expect((await client.query('SELECT * FROM calls')).rows).toEqual([
        { relation: 'events', column_name: 'time', if_not_exists: true, migrate_data: false },
        { relation: '"Others"', column_name: 'time', if_not_exists: true, migrate_data: true },
      ]);
      expect([await indexes('events'), await indexes('plain')]).toEqual([[], ['plain_time']]);
      for (const store of [auto, on, off]) expect(await store.write(batch(0, 5), never)).toMatchObject({ outcome: 'stored' });
      await client.query('DROP TABLE calls');
      const warn = vi.fn();
      const config = configOf(server.address.url, { table: 'refused' });
      await using refused = await openSeriesStore(config, { log: { ...silentLogger, warn } });
      await refused.ensureSchema(never);
      expect(warn).toHaveBeenCalledWith(
        { table: 'refused', error: expect.stringContaining('calls') },
        'the series goes into a plain table',
      );
      expect(await indexes('refused')).toEqual(['refused_time']);
      await using strict = await open(configOf(server.address.url, { table: 'strict', timescale: 'on' }));
      await expect(strict.ensureSchema(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
    });
  });
});
