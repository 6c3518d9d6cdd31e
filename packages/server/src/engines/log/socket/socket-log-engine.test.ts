import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../../../../test/support/memory-log.ts';
import { silentLogger as logger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import type { AppError } from '../../../kernel/errors/app-error.ts';
import { openEngineSocket } from '../../../kernel/folder/engine-socket.ts';
import { MetricRegistry } from '../../../kernel/observe/metrics.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { describeLogEngine, type LogHarness } from '../log-engine.conformance.ts';
import type { LogEngine, OwnedPartition } from '../log-engine.ts';
import { logMetricTable } from '../log-metrics.ts';
import { openLogEngine, openLogSession } from '../registry.ts';
import { SocketLogEngine } from './socket-log-engine.ts';

const token = 'a token of tests';
const noWait = { maxRecords: 1000, maxBytes: 1_000_000, waitMs: 0 };
const endlessMs = 600_000;

function openSqlite(folder: string): Promise<LogEngine> {
  const metrics = new MetricRegistry().declare(logMetricTable);
  return openLogEngine({ kind: 'sqlite', folder: join(folder, 'log') }, { logger, metrics });
}

/** Serves the log at the engine socket of the folder. */
async function serve(folder: string, log: LogEngine) {
  const ports = new Map([['log', (notify: (event: unknown) => void) => openLogSession(log, notify)]]);
  const part = await openEngineSocket({ folder, token, ports, logger });
  const stop = new AbortController();
  const ended = part.run(stop.signal);
  return {
    path: part.environment.SLUICE_ENGINE_SOCKET,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

const openClient = (path: string, onGone: (error: AppError) => void = () => {}, retryMs = 20_000) =>
  SocketLogEngine.open({ path, token, retryMs, clock: systemClock, logger, onGone });

async function openHarness(openLog: (folder: string) => Promise<LogEngine>): Promise<LogHarness> {
  const folder = await openTempFolder();
  const open = async () => {
    const owned = await openLog(folder.path);
    const served = await serve(folder.path, owned);
    return { owned, served, log: await openClient(served.path) };
  };
  let opened = await open();
  let topics = 0;
  const close = async () => {
    await opened.log[Symbol.asyncDispose]();
    await opened.served.stop();
    await opened.owned[Symbol.asyncDispose]();
  };
  return {
    get log() {
      return opened.log;
    },
    topicName: () => {
      topics += 1;
      return `topic-of-test-${topics}`;
    },
    reopen: async () => {
      await close();
      opened = await open();
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describeLogEngine('sqlite over the engine socket', () => openHarness(openSqlite));

describe('engine socket', () => {
  let folder: Awaited<ReturnType<typeof openTempFolder>>;
  let owned: MemoryLog;
  let served: Awaited<ReturnType<typeof serve>>;
  beforeEach(async () => {
    folder = await openTempFolder();
    owned = new MemoryLog({ clock: systemClock });
    served = await serve(folder.path, owned);
  });
  afterEach(async () => {
    await served.stop();
    await owned[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const record = (text: string) => ({ value: Buffer.from(text) });
  const firstOf = async (partitions: AsyncIterator<OwnedPartition>): Promise<OwnedPartition> => {
    const { value } = await partitions.next();
    if (value === undefined) throw new Error('no partition was given');
    return value;
  };

  it('frees what a client held when its connection ends, and nothing of the others', async () => {
    const topic = await owned.ensureTopic({ name: 't', partitions: 2 });
    const own = await owned.join({ group: 'g', topics: ['t'], start: 'begin' });
    const mine = own.partitions(new AbortController().signal)[Symbol.asyncIterator]();
    await using client = await openClient(served.path);
    await firstOf(mine);
    await firstOf(mine);
    const foreign = await client.join({ group: 'g', topics: ['t'], start: 'begin' });
    const theirs = await firstOf(foreign.partitions(new AbortController().signal)[Symbol.asyncIterator]());
    expect(await theirs.commit(0)).toBe('committed');
    const waiting = theirs.fetch({ ...noWait, waitMs: endlessMs });
    // It has no chance to leave its group by itself.
    await served.stop();
    expect([await waiting, theirs.isOwned, await theirs.commit(0)]).toEqual(['revoked', false, 'revoked']);
    expect((await firstOf(mine)).partition).toBe(theirs.partition);
    expect(await owned.groupOffsets('g', topic)).toHaveLength(2);
  });

  it('goes on with another owner: waits fail, groups are joined again', async () => {
    const topic = await owned.ensureTopic({ name: 't', partitions: 1 });
    await using client = await openClient(served.path);
    await client.append({ topic: 't', partition: 0, records: [record('a')] });
    const consumer = await client.join({ group: 'g', topics: ['t'], start: 'begin' });
    const given = consumer.partitions(new AbortController().signal)[Symbol.asyncIterator]();
    const held = await firstOf(given);
    const reading = client.read({ topic, partition: 0, offset: 1, ...noWait, waitMs: endlessMs });
    const lost = once(held.revoked, 'abort');
    await served.stop();
    await lost;
    await expect(reading).rejects.toMatchObject({ code: 'logUnavailable' });
    await expect(client.append({ topic: 't', partition: 0, records: [record('b')] })).rejects.toMatchObject({ code: 'logUnavailable' });
    expect([consumer.health?.message, held.isOwned]).toEqual([expect.stringContaining('does not answer'), false]);
    served = await serve(folder.path, owned);
    const next = await firstOf(given);
    expect(await next.fetch(noWait)).toMatchObject({ records: [{ value: Buffer.from('a') }] });
    expect(consumer.health).toBeUndefined();
    expect(await owned.offsets(topic)).toEqual([{ begin: 0, end: 1 }]);
  });

  it('does not know what became of an append whose answer was lost', async () => {
    const reached = Promise.withResolvers<void>();
    const never = new Promise<void>(() => {});
    const stuck = new MemoryLog({
      clock: systemClock,
      step: (what) => {
        if (!what.startsWith('append')) return Promise.resolve();
        reached.resolve();
        return never;
      },
    });
    await stuck.ensureTopic({ name: 't', partitions: 1 });
    await served.stop();
    served = await serve(folder.path, stuck);
    await using client = await openClient(served.path);
    const appending = client.append({ topic: 't', partition: 0, records: [record('a')] });
    const outcome = expect(appending).rejects.toMatchObject({ code: 'logInDoubt' });
    await reached.promise;
    await served.stop();
    await outcome;
  });

  it('is given up after the time of the retry', async () => {
    const gone = Promise.withResolvers<AppError>();
    await using client = await openClient(served.path, gone.resolve, 50);
    await served.stop();
    expect(await gone.promise).toMatchObject({ code: 'ownerUnavailable' });
    await expect(client.topic('t')).rejects.toMatchObject({ code: 'logUnavailable' });
    await expect(openClient(served.path, () => {}, 50)).rejects.toMatchObject({ code: 'ownerUnavailable' });
  });

  it('answers in parts what does not fit a frame', async () => {
    const topic = await owned.ensureTopic({ name: 't', partitions: 1 });
    const headers = [{ name: 'h', value: Buffer.alloc(800_000, 'x') }];
    for (let index = 0; index < 10; index += 1)
      await owned.append({ topic: 't', partition: 0, records: [{ ...record(`${index}`), headers }] });
    await using client = await openClient(served.path);
    const values: string[] = [];
    for (let offset = 0; offset < 10; ) {
      const batch = await client.read({ topic, partition: 0, offset, ...noWait });
      expect(batch.records.length).toBeLessThan(4);
      values.push(...batch.records.map(({ value }) => String(value)));
      offset = batch.nextOffset;
    }
    expect(values.join('')).toBe('0123456789');
  });
});
