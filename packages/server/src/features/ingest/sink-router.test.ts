import { setImmediate as turn } from 'node:timers/promises';
import type { Column } from '@sluice/contract/mapping';
import { afterAll, describe, expect, test } from 'vitest';
import { sinkFixture, sourceFixture } from '../../../test/support/definition-fixture.ts';
import { ScriptedSliceWriter, type WriterStep } from '../../../test/support/scripted-slice-writer.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { ByteBudget } from '../../kernel/async/byte-budget.ts';
import type { Sink } from '../definitions/sink.ts';
import { IngestRecord } from '../mapping/record.ts';
import { Compressor } from '../storage/block/compressor.ts';
import { createCodec } from '../storage/block/create-codec.ts';
import { PartEncoder } from '../storage/part-encoder.ts';
import { SinkRouter } from './sink-router.ts';

const compressor = new Compressor(1);
afterAll(() => compressor[Symbol.asyncDispose]());

const body: Column[] = [{ type: 'body', name: 'body' }];
const id: Column[] = [{ type: 'path', name: 'id', path: 'id', rawString: true }];

function open({
  steps = [],
  maxItems = 100,
  hasSlices = true,
  unwaited = [],
}: {
  steps?: readonly WriterStep[];
  maxItems?: number;
  hasSlices?: boolean;
  /** Sinks whose slices say `wait: false`. */
  unwaited?: readonly string[];
} = {}) {
  const lost: unknown[] = [];
  const writer = new ScriptedSliceWriter(steps);
  const clock = new TestClock();
  const budget = new ByteBudget({ maxBytes: 100_000, maxItems });
  const known: Sink[] = [];
  const router = new SinkRouter({
    nodeId: 'node',
    definitions: { sources: () => [{ source: sourceFixture(), sinks: known }] },
    view: {
      writingSlice: (sinkKey) => {
        const sinkId = sinkKey.split('/')[3] ?? '';
        const sink = { projectId: 1, branchId: 1, sourceId: 'events', sinkId };
        const sync = { mode: 'disk', wait: !unwaited.includes(sinkId) } as const;
        return {
          key: sinkKey,
          slice: { sink, volumeId: 'v', openedAt: '', file: '', sinkVersion: 1, codec: 'gzip', sync, state: 'writing' },
        };
      },
      findWritingSlice: async (sinkKey, { timeoutMs }) => {
        await turn();
        clock.advance(hasSlices ? 0 : timeoutMs);
        const [projectId, branchId, sourceId = '', sinkId = ''] = sinkKey.split('/');
        const sink = { projectId: Number(projectId), branchId: Number(branchId), sourceId, sinkId };
        const slice = { sink, volumeId: 'v', openedAt: '', file: '', sinkVersion: 1, codec: 'gzip', state: 'writing' } as const;
        return hasSlices ? { key: `${sinkKey}/slice`, slice } : undefined;
      },
    },
    writer,
    encoderOf: (name) => new PartEncoder(name, { codec: createCodec('gzip'), compressor }),
    uuid: () => '01979f5e-0000-7000-8000-000000000000',
    maxRowBytes: 1000,
    budget,
    onLost: ({ sink, outcome }) => lost.push([sink.sinkId, outcome]),
    clock,
    logger: silentLogger,
  });
  const route = async (text: string, sinks: readonly Sink[]) => {
    const rawHeaders = ['Content-Type', 'application/json'];
    const outcomes = await router.route(
      new IngestRecord({ receivedAt: clock.now(), clientIp: '', rawHeaders, body: Buffer.from(text) }),
      sinks,
    );
    return outcomes.map(({ sink, outcome }) => [sink.sinkId, outcome]);
  };
  return { writer, router, route, budget, known, lost };
}

const a = sinkFixture({ sinkId: 'a', columns: body });
const b = sinkFixture({ sinkId: 'b', columns: id });
const c = sinkFixture({ sinkId: 'c', columns: [...body, ...body.map((column) => ({ ...column, name: 'again' }))] });

test('a record goes to all its sinks, each in a part of its own', async () => {
  const { writer, route, budget } = open();
  expect(await route('{"id":"x"}', [a, b])).toEqual([
    ['a', { type: 'stored' }],
    ['b', { type: 'stored' }],
  ]);
  expect([...writer.rows].sort()).toEqual(['"x"', '"{""id"":""x""}"']);
  expect(new Set(writer.requests.map(({ part }) => part)).size).toBe(2);
  expect([budget.bytes, budget.items]).toEqual([0, 0]);
});

test.each([
  ['badRequest', '{', 'b'],
  ['unprocessableContent', '{}', 'b'],
  ['payloadTooLarge', `{"id":"${'x'.repeat(600)}"}`, 'c'],
])('a client fault in one sink refuses the record in all before any append (I5): %s', async (code, text, faulty) => {
  const { writer, route, budget } = open();
  const outcomes = await route(text, [a, b, c]);
  for (const [sinkId, outcome] of outcomes) {
    expect(outcome).toMatchObject(sinkId === faulty ? { type: 'fault', fault: { code } } : { type: 'withheld' });
  }
  expect(outcomes).toHaveLength(3);
  expect(writer.requests).toEqual([]);
  expect([budget.bytes, budget.items]).toEqual([0, 0]);
});

test('a full node refuses the record in all sinks before any append, and takes records again when there is room', async () => {
  const { writer, route, budget } = open({ maxItems: 3 });
  const first = route('{"id":"x"}', [a, b]);
  const overloaded = { type: 'refused', code: 'overloaded', reason: 'the queues of this node are full; try again' };
  expect(await route('{"id":"y"}', [a, b])).toEqual([
    ['a', overloaded],
    ['b', overloaded],
  ]);
  expect(await first).toHaveLength(2);
  expect(await route('{"id":"z"}', [a, b])).toEqual([
    ['a', { type: 'stored' }],
    ['b', { type: 'stored' }],
  ]);
  expect(writer.rows.filter((row) => row.includes('y'))).toEqual([]);
  expect(budget.items).toBe(0);
});

test('one sink that fails does not hold up the other', async () => {
  const { route } = open({ steps: ['full'] });
  const outcomes = Object.fromEntries(await route('{"id":"x"}', [a, b]));
  expect(Object.values(outcomes)).toEqual(expect.arrayContaining([{ type: 'stored' }, expect.objectContaining({ code: 'diskFull' })]));
});

test('no sink: nothing is asked', async () => {
  const { writer, route } = open();
  expect(await route('x', [])).toEqual([]);
  expect(writer.requests).toEqual([]);
});

test('a sink that was known and is not any more is gone; one that is not known yet is not', async () => {
  const { route, known } = open({ hasSlices: false });
  known.push(a);
  const known1 = route('x', [a]);
  known.pop();
  expect(await known1).toEqual([['a', { type: 'gone' }]]);
  expect(await route('x', [c])).toMatchObject([['c', { type: 'refused', code: 'noOpenedSliceFound' }]]);
});

test('a record that is stored under another version of the sink is rendered by that version', async () => {
  const { writer, route, known } = open();
  const newer = sinkFixture({ sinkId: 'a', columns: id, version: 2 });
  known.push(a);
  expect(await route('{"id":"x"}', [newer])).toEqual([['a', { type: 'stored' }]]);
  expect(writer.rows).toEqual(['"{""id"":""x""}"']);
});

test('the drain waits for rows whose client is gone', async () => {
  const { writer, route, router } = open();
  void route('{"id":"x"}', [a]);
  await router.drain();
  expect(writer.rows).toHaveLength(1);
});

test('two starts of a node never name a part alike', async () => {
  const starts = [open(), open()];
  for (const { route } of starts) await route('{"id":"x"}', [a, b]);
  expect(new Set(starts.flatMap(({ writer }) => writer.requests.map(({ part }) => part))).size).toBe(4);
});

test('a row that nobody waits for is accepted at once, holds its room until it is stored, and is stored by a drain', async () => {
  const { writer, router, route, budget, lost } = open({ unwaited: ['a'] });
  expect(await route('{"id":"x"}', [a])).toEqual([['a', { type: 'accepted' }]]);
  expect([writer.rows, budget.items]).toEqual([[], 1]);
  expect(budget.bytes).toBeGreaterThan(10);
  await router.drain();
  expect(writer.rows).toEqual(['"{""id"":""x""}"']);
  await expect.poll(() => [budget.bytes, budget.items]).toEqual([0, 0]);
  expect(lost).toEqual([]);
});

test('the rows that are accepted are bounded: over that, the answer is no', async () => {
  const { router, route, budget } = open({ unwaited: ['a'], maxItems: 2 });
  const answers = [await route('1', [a]), await route('2', [a]), await route('3', [a])];
  expect(answers).toMatchObject([[['a', { type: 'accepted' }]], [['a', { type: 'accepted' }]], [['a', { code: 'overloaded' }]]]);
  await router.drain();
  await expect.poll(() => budget.items).toBe(0);
});

test('one sink waits, the other does not: the answer waits for the one', async () => {
  const { router, writer, route, budget } = open({ unwaited: ['a'] });
  expect(await route('{"id":"x"}', [a, b])).toEqual([
    ['a', { type: 'accepted' }],
    ['b', { type: 'stored' }],
  ]);
  expect(writer.rows).toContain('"x"');
  await router.drain();
  await expect.poll(() => budget.items).toBe(0);
});

test('a row that nobody waits for and that is not stored is reported', async () => {
  const { router, route, budget, lost } = open({ unwaited: ['a'], steps: ['full', 'store, fail in doubt'] });
  await route('1', [a]);
  await router.drain();
  await route('2', [a]);
  await router.drain();
  await expect.poll(() => budget.items).toBe(0);
  expect(lost).toMatchObject([
    ['a', { type: 'refused', code: 'diskFull' }],
    ['a', { type: 'inDoubt' }],
  ]);
});

describe('the memory of a large body', () => {
  const large = () => Buffer.from(`{"id":"x","padding":"${'.'.repeat(40_000)}"}`);
  const recordOf = (content: Buffer) =>
    new IngestRecord({ receivedAt: 1, clientIp: '', rawHeaders: ['Content-Type', 'application/json'], body: content });

  test.each([
    ['stored', []],
    ['refused', ['full']],
    ['in doubt', ['fail in doubt']],
  ] as const)('is given back once its rows are settled: %s', async (_name, steps) => {
    const { router, writer } = open({ steps });
    const content = large();
    const routing = router.route(recordOf(content), [b]);
    while (writer.inFlight === 0) await turn();
    expect(content.length).toBeGreaterThan(40_000);
    await routing;
    expect(content).toHaveLength(0);
  });

  test('stays behind the answer for rows that nobody waits for, until they are settled', async () => {
    const { router } = open({ unwaited: ['b'] });
    const content = large();
    await router.route(recordOf(content), [b]);
    expect(content.length).toBeGreaterThan(40_000);
    await router.drain();
    await expect.poll(() => content.length).toBe(0);
  });

  test('stays for rows that nobody waits for while others are stored', async () => {
    const { router, known, writer } = open({ unwaited: ['b'] });
    const other = sinkFixture({ sinkId: 'd', columns: id });
    // The slice of `b` is of version 1: the row is rendered again, from the body.
    known.push(b, other);
    const content = large();
    await router.route(recordOf(content), [other, sinkFixture({ sinkId: 'b', columns: id, version: 2 })]);
    await router.drain();
    expect(writer.rows).toEqual(['"x"', '"x"']);
    await expect.poll(() => content.length).toBe(0);
  });

  test('a part of a larger memory stays', async () => {
    const { route, router } = open();
    const memory = Buffer.concat([large(), Buffer.from('behind')]);
    await router.route(recordOf(memory.subarray(0, -6)), [b]);
    expect(memory.toString('latin1').endsWith('}behind')).toBe(true);
    expect(await route('{"id":"y"}', [b])).toEqual([['b', { type: 'stored' }]]);
  });
});

test('a client fault is told also where nobody waits', async () => {
  const { writer, route, budget } = open({ unwaited: ['a', 'b'] });
  expect(await route('{}', [a, b])).toMatchObject([
    ['a', { type: 'withheld' }],
    ['b', { type: 'fault', fault: { code: 'unprocessableContent' } }],
  ]);
  expect([writer.requests, budget.items]).toEqual([[], 0]);
});
