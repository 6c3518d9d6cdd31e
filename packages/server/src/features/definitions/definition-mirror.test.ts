import { describe, expect, it } from 'vitest';
import { MemoryMetadataStore } from '../../../test/support/memory-metadata-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import type { MetadataWrite } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { activeBranchKey, activeSinkKey, activeSourceKey } from './definition-codec.ts';
import { DefinitionMirror } from './definition-mirror.ts';
import { newSink, newSource } from './new-definition.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';

const stamp = { at: '2026-06-24T10:00:00.000Z', by: { type: 'system' as const } };
const content = { type: 'http' as const, name: 'n', description: '' };
const sourceOf = (sourceId: string, branchId = 1): Source =>
  newSource({ projectId: 1, branchId, sourceId, ...content }, { secret: { hash: 'h', sealed: 's' }, stamp });
const sinkOf = (sinkId: string, change: Partial<Sink> = {}): Sink => ({
  ...newSink(
    {
      projectId: 1,
      branchId: 1,
      sourceId: 's',
      sinkId,
      type: 'table',
      name: 'n',
      description: '',
      table: { type: 'keboola', tableId: 'in.b.t', mapping: { columns: [{ type: 'body', name: 'b' }] } },
    },
    { stamp },
  ),
  ...change,
});
const put = (entity: Source | Sink): MetadataWrite => ({
  type: 'put',
  key: 'sinkId' in entity ? activeSinkKey(entity) : activeSourceKey(entity),
  value: JSON.stringify(entity),
});
const branch = (branchId: number): MetadataWrite => {
  const record = { projectId: 1, branchId, isDefault: true };
  return { type: 'put', key: activeBranchKey(record), value: JSON.stringify(record) };
};

async function setUp(writes: readonly MetadataWrite[] = []) {
  const store = new MemoryMetadataStore();
  const clock = new TestClock();
  if (writes.length > 0) await store.transact({ checks: [], writes });
  const stop = new AbortController();
  let applied = Promise.withResolvers<void>();
  let appliedRevision = 0;
  const mirror = new DefinitionMirror({
    store,
    clock,
    logger: silentLogger,
    onApplied: (revision) => {
      appliedRevision = revision;
      applied.resolve();
      applied = Promise.withResolvers();
    },
  });
  const until = async (revision: number) => {
    while (appliedRevision < revision) await applied.promise;
  };
  const change = async (...changes: MetadataWrite[]) => {
    const { revision } = await store.transact({ checks: [], writes: changes });
    await until(revision);
  };
  const start = async () => {
    const running = mirror.run(stop.signal);
    await mirror.ready;
    return {
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await running;
      },
    };
  };
  return { store, clock, mirror, start, change, until };
}

describe('mirror of the definitions', () => {
  it('shows what was there at the start, and tells its revision even if that was nothing', async () => {
    const empty = await setUp();
    await using _empty = await empty.start();
    await empty.until(0);
    expect(empty.mirror.sources(1, 's')).toEqual([]);

    const { mirror, start, until } = await setUp([
      put(sourceOf('s')),
      put(sinkOf('b')),
      put(sinkOf('a')),
      put(sinkOf('off', { disabled: { ...stamp, reason: 'API', directly: true } })),
    ]);
    await using _ = await start();
    await until(1);
    expect(mirror.sources(1, 's').map(({ source, sinks }) => [source.sourceId, sinks.map(({ sinkId }) => sinkId)])).toEqual([
      ['s', ['a', 'b']],
    ]);
    expect(mirror.sources(2, 's')).toEqual([]);
  });

  it('follows sources and sinks, and keeps what did not change as the same object', async () => {
    const { mirror, start, change } = await setUp([put(sourceOf('s')), put(sinkOf('a'))]);
    await using _ = await start();
    const before = mirror.sources(1, 's');
    await change(put(sourceOf('s')), put(sinkOf('b')));
    const after = mirror.sources(1, 's');
    expect(before.map(({ sinks }) => sinks.length)).toEqual([1]);
    expect(after.map(({ sinks }) => sinks.map(({ sinkId }) => sinkId))).toEqual([['a', 'b']]);
    expect(after[0]?.sinks[0]).toBe(before[0]?.sinks[0]);

    await change({ type: 'delete', key: activeSinkKey(sinkOf('a')) });
    expect(mirror.sources(1, 's')[0]?.sinks.map(({ sinkId }) => sinkId)).toEqual(['b']);
    await change({ type: 'delete', key: activeSourceKey(sourceOf('s')) }, { type: 'delete', key: activeSinkKey(sinkOf('b')) });
    expect(mirror.sources(1, 's')).toEqual([]);
    expect([...mirror.all()]).toEqual([]);
  });

  it('shows a sink that came before its source, and sources of all branches', async () => {
    const { mirror, start, change } = await setUp();
    await using _ = await start();
    await change(put(sinkOf('a')));
    expect(mirror.sources(1, 's')).toEqual([]);
    await change(put(sourceOf('s')), put(sourceOf('s', 2)));
    expect(mirror.sources(1, 's').map(({ source, sinks }) => [source.branchId, sinks.length])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    await change({ type: 'delete', key: activeSourceKey(sourceOf('s')) });
    expect(mirror.sources(1, 's').map(({ source }) => source.branchId)).toEqual([2]);
  });

  it('shows the sources of a project, of all its branches, as they are now', async () => {
    const { mirror, start, change } = await setUp([put(sourceOf('s')), put({ ...sourceOf('s'), projectId: 11 })]);
    await using _ = await start();
    const ids = (projectId: number) => mirror.ofProject(projectId).map(({ source }) => `${source.branchId}/${source.sourceId}`);
    expect([ids(1), ids(11), ids(2)]).toEqual([['1/s'], ['1/s'], []]);
    expect(mirror.ofProject(1)).toBe(mirror.ofProject(1));
    await change(put(sourceOf('s', 2)), put({ ...sourceOf('t'), projectId: 2 }));
    expect([ids(1), ids(11), ids(2)]).toEqual([['1/s', '2/s'], ['1/s'], ['1/t']]);
    await change(put(sinkOf('a')));
    expect(mirror.ofProject(1).flatMap(({ sinks }) => sinks)).toHaveLength(1);
    await change({ type: 'delete', key: activeSourceKey(sourceOf('s')) });
    expect(ids(1)).toEqual(['2/s']);
  });

  it('looks an unknown source up in the store, in every branch', async () => {
    const { mirror } = await setUp([branch(1), branch(2), put(sourceOf('s', 2)), put(sourceOf('s')), put(sinkOf('a'))]);
    const found = await mirror.lookup(1, 's');
    expect(found.map(({ source, sinks }) => [source.branchId, sinks.length])).toEqual([
      [1, 1],
      [2, 0],
    ]);
  });

  it('asks for an unknown id once a second at most, and once for callers at the same time', async () => {
    const { mirror, store, clock } = await setUp([branch(1)]);
    const [one, two] = await Promise.all([mirror.lookup(1, 's'), mirror.lookup(1, 's')]);
    expect(one).toBe(two);
    await store.transact({ checks: [], writes: [put(sourceOf('s'))] });
    expect(await mirror.lookup(1, 's')).toEqual([]);
    clock.advance(1000);
    expect(await mirror.lookup(1, 's')).toHaveLength(1);
  });

  it('passes on that the store does not answer, and asks again', async () => {
    const { mirror, store } = await setUp([branch(1), put(sourceOf('s'))]);
    store.outage = new AppError('metadataUnavailable', 'away');
    await expect(mirror.lookup(1, 's')).rejects.toMatchObject({ code: 'metadataUnavailable' });
    store.outage = undefined;
    expect(await mirror.lookup(1, 's')).toHaveLength(1);
  });
});
