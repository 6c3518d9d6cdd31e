import { describe, expect, it } from 'vitest';
import { MemoryMetadataStore } from '../../../test/support/memory-metadata-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { publishAppliedRevision, sourceNodePrefix, waitUntilApplied } from './applied-revision.ts';
import { AppliedRevisionPublisher } from './applied-revision-publisher.ts';

const noTimeout = { timeoutMs: 1, startTimer: () => () => {} };

async function setUp() {
  const store = new MemoryMetadataStore();
  const leases = [await store.grantLease(60_000), await store.grantLease(60_000)];
  const publish = (node: 0 | 1, revision: number) =>
    publishAppliedRevision(store, { nodeId: `n${node}`, leaseId: leases[node]!.id, revision });
  return { store, leases, publish };
}

describe('waiting for the applied revision', () => {
  it('needs nobody where no node lives, or all are there already', async () => {
    const { store, publish } = await setUp();
    expect(await waitUntilApplied(store, 5, noTimeout)).toBe(true);
    await publish(0, 5);
    await publish(1, 7);
    expect((await store.get(`${sourceNodePrefix}n0`))?.value).toBe('{"revision":5}');
    expect(await waitUntilApplied(store, 5, noTimeout)).toBe(true);
  });

  it('ends when the last node follows or dies', async () => {
    const { store, publish, leases } = await setUp();
    await publish(0, 1);
    await publish(1, 1);
    let isDone = false;
    const waiting = waitUntilApplied(store, 5, noTimeout).then((result) => {
      isDone = true;
      return result;
    });
    await publish(0, 4);
    await publish(0, 5);
    for (let turn = 0; turn < 10; turn += 1) await store.revision();
    expect(isDone).toBe(false);
    await leases[1]!.revoke();
    expect(await waiting).toBe(true);
  });

  it('gives up after the timeout, and where the store does not answer', async () => {
    const { store, publish } = await setUp();
    await publish(0, 1);
    expect(await waitUntilApplied(store, 5, { timeoutMs: 1 })).toBe(false);
    store.outage = new AppError('metadataUnavailable', 'away');
    expect(await waitUntilApplied(store, 5, noTimeout)).toBe(false);
  });
});

describe('telling the applied revision', () => {
  const told = async (store: MemoryMetadataStore) => (await store.get(`${sourceNodePrefix}n`))?.value;

  it('tells the newest while it runs, and leaves nothing behind', async () => {
    const store = new MemoryMetadataStore();
    const publisher = new AppliedRevisionPublisher({ store, nodeId: 'n', logger: silentLogger });
    const stop = new AbortController();
    publisher.publish(3);
    const running = publisher.run(stop.signal);
    expect(await waitForNode(store, 3)).toBe('{"revision":3}');
    for (const revision of [5, 4, 9]) publisher.publish(revision);
    expect(await waitForNode(store, 9)).toBe('{"revision":9}');
    stop.abort();
    await running;
    expect(await told(store)).toBeUndefined();
  });

  it('tells it again under a new lease where the old one is lost', async () => {
    const store = new MemoryMetadataStore();
    const timers: (() => void)[] = [];
    const publisher = new AppliedRevisionPublisher({
      store,
      nodeId: 'n',
      logger: silentLogger,
      startTimer: (_delayMs, fire) => {
        timers.push(fire);
        return () => {};
      },
    });
    const stop = new AbortController();
    publisher.publish(3);
    const running = publisher.run(stop.signal);
    await waitForNode(store, 3);
    const first = await store.get(`${sourceNodePrefix}n`);
    store.endLease(first?.leaseId ?? '');
    expect(await told(store)).toBeUndefined();
    // The keep-alive finds the lease gone; the wait before the next attempt is the second timer.
    for (let fired = 0; (await told(store)) === undefined; ) {
      if (timers.length > fired) timers[fired++]?.();
    }
    const second = await store.get(`${sourceNodePrefix}n`);
    expect(second?.leaseId).not.toBe(first?.leaseId);
    stop.abort();
    await running;
  });
});

async function waitForNode(store: MemoryMetadataStore, revision: number): Promise<string | undefined> {
  for (;;) {
    const value = (await store.get(`${sourceNodePrefix}n`))?.value;
    if (value === JSON.stringify({ revision })) return value;
  }
}
