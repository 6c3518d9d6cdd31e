import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { rowsOf, ScriptedSliceWriter, type WriterStep } from '../../../test/support/scripted-slice-writer.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import type { CompiledMapping } from '../mapping/mapping.ts';
import { IngestRecord } from '../mapping/record.ts';
import { Compressor } from '../storage/block/compressor.ts';
import { createCodec } from '../storage/block/create-codec.ts';
import { maxBlockRawBytes, PartEncoder } from '../storage/part-encoder.ts';
import { partNameText } from '../storage/part-name.ts';
import type { WritingSlice } from '../storage/storage-view.ts';
import { type RowOutcome, SinkStream } from './sink-stream.ts';

const compressor = new Compressor(1);
afterAll(() => compressor[Symbol.asyncDispose]());

/** Records of the form `id`; version 1 renders them as `1:id`. `id`s that begin with `!` cannot be rendered from version 2 on. */
class Room {
  readonly clock = new TestClock();
  readonly writer: ScriptedSliceWriter;
  readonly stream: SinkStream;
  readonly outcomes = new Map<string, RowOutcome[]>();
  readonly parts: string[] = [];
  slices: { key: string; version: number }[] = [{ key: 'slice-1', version: 1 }];
  knownVersion = 1;
  isEnabled = true;
  /** Whether a sealed slice has a successor, and of which version. */
  successorVersion: number | undefined = 1;
  findFails = false;

  constructor(steps: readonly WriterStep[] = []) {
    this.writer = new ScriptedSliceWriter(steps);
    this.writer.onSeal = () => {
      if (this.successorVersion !== undefined) this.slices.push({ key: `slice-${this.slices.length + 1}`, version: this.successorVersion });
    };
    this.stream = new SinkStream({
      sinkKey: '1/1/events/rows',
      writer: this.writer,
      clock: this.clock,
      logger: silentLogger,
      findSlice: async (_key, { avoid, timeoutMs }) => {
        await turn();
        if (this.findFails) throw new Error('the view is broken');
        const newest = this.slices.at(-1);
        if (newest && newest.key !== avoid) return writingSlice(newest.key, newest.version);
        this.clock.advance(timeoutMs);
        return undefined;
      },
      findMapping: (_key, version) => (version <= this.knownVersion ? mappingOf(version) : undefined),
      isEnabled: () => this.isEnabled,
      openPart: () => {
        const name = partNameText({ nodeId: 'node', epoch: '0123456789abcdef', number: this.parts.length + 1 });
        this.parts.push(name);
        return { name, encoder: new PartEncoder(name, { codec: createCodec('gzip'), compressor }) };
      },
      sleep: async (ms) => {
        await turn();
        this.clock.advance(ms);
      },
    });
  }

  add(id: string, padding = 0): void {
    const settled: RowOutcome[] = [];
    this.outcomes.set(id, settled);
    const record = new IngestRecord({ receivedAt: this.clock.now(), clientIp: '', rawHeaders: [], body: Buffer.from(id) });
    const bytes = Buffer.from(`1:${id}${'.'.repeat(padding)}\n`);
    const row = { bytes, invalidUtf8: false, nul: false, receivedAt: record.receivedAt };
    this.stream.add({ record, row, sinkVersion: 1, settle: (outcome) => settled.push(outcome) });
  }

  /** The outcome of each row, which must be one. */
  async settled(): Promise<Record<string, RowOutcome>> {
    await this.stream.drain();
    return Object.fromEntries(
      [...this.outcomes].map(([id, outcomes]) => {
        const [outcome, ...more] = outcomes;
        if (!outcome || more.length > 0) throw new Error(`row ${id} was settled ${outcomes.length} times`);
        return [id, outcome];
      }),
    );
  }

  get blocks(): string[][] {
    return this.writer.requests.map(({ block }) => rowsOf(block));
  }
}

function mappingOf(version: number): CompiledMapping {
  return {
    columns: ['id'],
    render: ({ body }) => {
      const id = body.toString();
      if (id.startsWith('!')) return { ok: false, column: 'id', code: 'unprocessableContent', reason: 'path "id" not found in the body' };
      const padding = id.startsWith('large') ? '.'.repeat(400_000) : '';
      return { ok: true, bytes: Buffer.from(`${version}:${id}${padding}\n`), invalidUtf8: false, nul: false };
    },
    preview: () => ({ ok: true, values: [] }),
  };
}

const writingSlice = (key: string, sinkVersion: number): WritingSlice => ({
  key,
  slice: {
    sink: { projectId: 1, branchId: 1, sourceId: 'events', sinkId: 'rows' },
    volumeId: 'volume',
    openedAt: '2026-06-24T10:00:00.000Z',
    file: 'file',
    sinkVersion,
    codec: 'gzip',
    state: 'writing',
  },
});

const stored = { type: 'stored' };

describe('blocks', () => {
  test('an idle stream sends at once; what comes meanwhile is the next block; one append at a time', async () => {
    const room = new Room();
    room.add('a');
    while (room.writer.inFlight === 0) await turn();
    for (const id of ['b', 'c', 'd']) room.add(id);
    expect(await room.settled()).toEqual({ a: stored, b: stored, c: stored, d: stored });
    expect(room.blocks).toEqual([['1:a'], ['1:b', '1:c', '1:d']]);
    expect(room.writer.mostInFlight).toBe(1);
    expect(room.writer.requests.map(({ part, offset }) => [part, offset > 0])).toEqual([
      [room.parts[0], false],
      [room.parts[0], true],
    ]);
  });

  test('large rows that come meanwhile are the next block, encoded before the one in flight is stored', async () => {
    const room = new Room();
    room.add('a');
    while (room.writer.inFlight === 0) await turn();
    const encode = vi.spyOn(PartEncoder.prototype, 'encode');
    room.add('b', 10_000);
    expect(encode).not.toHaveBeenCalled();
    room.add('c', 10_000);
    expect(encode).toHaveBeenCalledOnce();
    room.add('d', 10_000);
    expect(Object.values(await room.settled())).toEqual([stored, stored, stored, stored]);
    expect(encode).toHaveBeenCalledTimes(2);
    expect(room.blocks.map((rows) => rows.map((row) => row.slice(0, 3)))).toEqual([['1:a'], ['1:b', '1:c'], ['1:d']]);
    expect(new Set(room.writer.requests.map(({ part }) => part)).size).toBe(1);
    encode.mockRestore();
  });

  test('what was encoded ahead for a part that ends is encoded anew for the next one', async () => {
    const room = new Room(['gap']);
    room.add('a');
    while (room.writer.inFlight === 0) await turn();
    room.add('b', 20_000);
    expect(Object.values(await room.settled())).toEqual([stored, stored]);
    expect(room.writer.rows.map((row) => row.slice(0, 3))).toEqual(['1:a', '1:b']);
    expect(room.writer.requests.map(({ part }) => room.parts.indexOf(part))).toEqual([0, 1, 1]);
  });

  test('a block holds 1 MB or one row', async () => {
    const room = new Room();
    for (const [id, padding] of [400_000, 400_000, 400_000, 1_500_000, 10, 10].entries()) room.add(`${id}`, padding);
    await room.settled();
    expect(room.blocks.map((rows) => rows.length)).toEqual([2, 1, 1, 2]);
    for (const { block } of room.writer.requests) expect(block.rawLength <= maxBlockRawBytes || block.rows === 1).toBe(true);
  });
});

describe('memory of large rows', () => {
  /** Settles a row of text that does not get small; the row's bytes, and the sizes of the payload in each call of the writer. */
  async function settleLarge(steps: readonly WriterStep[]) {
    const room = new Room(steps);
    const text = randomBytes(100_000).toString('hex');
    const bytes = Buffer.from(`${text}\n`);
    const { promise, resolve } = Promise.withResolvers<RowOutcome>();
    const record = new IngestRecord({ receivedAt: 1, clientIp: '', rawHeaders: [], body: Buffer.from('a') });
    room.stream.add({ record, row: { bytes, invalidUtf8: false, nul: false, receivedAt: 1 }, sinkVersion: 1, settle: resolve });
    const { type } = await promise;
    await room.stream.drain();
    const payloads = room.writer.requests.map(({ block }) => (block.buffers[1]?.length ?? 0) > 0);
    return { type, left: bytes.length, isWhole: room.writer.rows.every((row) => row === text), rows: room.writer.rows.length, payloads };
  }

  test('a row and its payload keep none once the row is stored', async () => {
    expect(await settleLarge([])).toEqual({ type: 'stored', left: 0, isWhole: true, rows: 1, payloads: [false] });
  });

  test('a row that goes to another slice is there for it', async () => {
    expect(await settleLarge(['seal'])).toEqual({ type: 'stored', left: 0, isWhole: true, rows: 1, payloads: [true, false] });
  });

  test('a payload stays whole where a call was not answered: it may still be at work', async () => {
    const repeated = { type: 'stored', left: 0, isWhole: true, rows: 1, payloads: [true, true] };
    expect(await settleLarge(['lose the request'])).toEqual(repeated);
    expect(await settleLarge(['store, lose the answer'])).toEqual(repeated);
  });

  test('a row that is refused or in doubt keeps none either', async () => {
    expect(await settleLarge(['full'])).toMatchObject({ type: 'refused', left: 0, payloads: [true] });
    expect(await settleLarge(['fail in doubt'])).toMatchObject({ type: 'inDoubt', left: 0, payloads: [true] });
  });
});

describe('answers of the writer', () => {
  const refused = (code: string, reason: string) => ({ type: 'refused', code, reason });

  test.each([
    ['store', stored, 1],
    ['seal', stored, 2],
    ['gap', stored, 2],
    ['mismatch', stored, 2],
    ['unknownSlice', stored, 2],
    ['fail', stored, 2],
    ['lose the request', stored, 2],
    ['store, lose the answer', stored, 2],
    ['full', refused('diskFull', 'the volume has no room'), 1],
    ['conflict', { type: 'inDoubt', reason: 'other bytes stand at the offset of the block' }, 1],
    ['fail in doubt', { type: 'inDoubt', reason: 'EIO' }, 1],
    ['store, fail in doubt', { type: 'inDoubt', reason: 'EIO' }, 1],
  ] as const)('%s', async (step, outcome, sends) => {
    const room = new Room([step]);
    room.add('a');
    expect(await room.settled()).toEqual({ a: outcome });
    expect(room.writer.requests).toHaveLength(sends);
    expect(room.writer.rows).toEqual(outcome === stored || step.startsWith('store') ? ['1:a'] : []);
  });

  test.each(['seal', 'gap', 'conflict', 'mismatch', 'unknownSlice', 'full', 'fail', 'fail in doubt', 'store, fail in doubt'] as const)(
    'after "%s" the part is finished: the next block opens another',
    async (step) => {
      const room = new Room(['store', step]);
      for (const id of ['a', 'b', 'c']) {
        room.add(id);
        await room.settled();
      }
      expect(await room.settled()).toMatchObject({ a: stored, c: stored });
      const last = room.writer.requests.at(-1);
      expect(room.parts.length).toBe(2);
      expect(last?.part).toBe(room.parts[1]);
      expect(room.writer.requests.find(({ part }) => part === room.parts[1])?.offset).toBe(0);
    },
  );

  test('an answer that is lost is asked for again at the same offset, not elsewhere', async () => {
    const room = new Room(['store', 'lose the request', 'lose the request', 'store, lose the answer']);
    room.add('a');
    await room.settled();
    room.add('b');
    expect(await room.settled()).toEqual({ a: stored, b: stored });
    const [, first, ...repeats] = room.writer.requests;
    expect(repeats).toHaveLength(3);
    for (const repeat of repeats) expect(repeat).toEqual(first);
    expect(room.writer.rows).toEqual(['1:a', '1:b']);
  });

  test('a writer that stays silent: in doubt after 2 s, whatever other slices there are', async () => {
    const room = new Room(Array.from({ length: 1000 }, () => 'lose the request'));
    room.add('a');
    const before = room.clock.monotonic();
    expect(await room.settled()).toEqual({ a: { type: 'inDoubt', reason: 'socket hang up' } });
    expect(room.clock.monotonic() - before).toBe(2000);
    expect(new Set(room.writer.requests.map(({ slice, part, offset }) => `${slice} ${part} ${offset}`)).size).toBe(1);
  });

  test('a slice that is lost while its block is in doubt leaves it in doubt', async () => {
    const room = new Room(['lose the request', 'unknownSlice']);
    room.add('a');
    expect(await room.settled()).toEqual({ a: { type: 'inDoubt', reason: 'the writer does not have the slice any more' } });
    expect(room.writer.requests).toHaveLength(2);
  });

  test('a disk that fails again and again: surely not stored, after 2 s', async () => {
    const room = new Room(Array.from({ length: 1000 }, () => 'fail'));
    room.add('a');
    expect(await room.settled()).toEqual({ a: refused('diskFailed', 'EIO') });
    expect(room.clock.monotonic()).toBeGreaterThanOrEqual(2000);
    expect(room.writer.rows).toEqual([]);
  });
});

describe('slices', () => {
  test('a slice that is sealed under load hands over to its successor', async () => {
    const room = new Room(['store', 'store', 'seal']);
    for (let count = 0; count < 10; count += 1) {
      room.add(`${count}`);
      await turn();
    }
    const outcomes = await room.settled();
    expect(Object.values(outcomes)).toEqual(Array.from({ length: 10 }, () => stored));
    expect([...room.writer.rows].sort()).toEqual(Array.from({ length: 10 }, (_, id) => `1:${id}`));
    expect(room.writer.requests.map(({ slice }) => slice)).toContain('slice-2');
  });

  test.each([
    [true, { type: 'refused', code: 'noOpenedSliceFound', reason: 'the slice is sealed and its successor is not known yet' }],
    [false, { type: 'gone' }],
  ])('a slice that is sealed without a successor; the sink is enabled: %s', async (isEnabled, outcome) => {
    const room = new Room(['seal']);
    room.successorVersion = undefined;
    room.isEnabled = isEnabled;
    room.add('a');
    expect(await room.settled()).toEqual({ a: outcome });
    expect(room.clock.monotonic()).toBe(2000);
  });

  test('a sink without any slice', async () => {
    const room = new Room();
    room.slices = [];
    room.add('a');
    expect(await room.settled()).toEqual({
      a: { type: 'refused', code: 'noOpenedSliceFound', reason: 'the sink has no slice that takes rows at the moment' },
    });
    expect(room.parts).toEqual([]);
  });

  test('a successor of another sink version: rows are rendered again, and one that cannot be is refused by name', async () => {
    const room = new Room(['seal']);
    room.successorVersion = 2;
    room.knownVersion = 2;
    for (const id of ['a', '!b', 'c']) room.add(id);
    expect(await room.settled()).toEqual({
      a: stored,
      '!b': {
        type: 'refused',
        code: 'appendRefused',
        reason: 'the sink changed, and column "id": path "id" not found in the body',
      },
      c: stored,
    });
    expect(room.writer.rows).toEqual(['2:a', '2:c']);
    expect(room.writer.requests.map(({ sinkVersion }) => sinkVersion)).toEqual([1, 2]);
  });

  test('rows that outgrow a block when they are rendered again make several', async () => {
    const room = new Room();
    room.slices = [{ key: 'slice-1', version: 2 }];
    room.knownVersion = 2;
    for (const id of ['large1', 'large2', 'large3', 'large4', 'a']) room.add(id);
    expect(Object.values(await room.settled())).toEqual([stored, stored, stored, stored, stored]);
    expect(room.blocks.map((rows) => rows.map((row) => row.slice(2, 8).replaceAll('.', '')))).toEqual([
      ['large1', 'large2'],
      ['large3', 'large4', 'a'],
    ]);
  });

  test('a version that this node does not know yet is waited for, and not for ever', async () => {
    const room = new Room(['seal']);
    room.successorVersion = 2;
    room.add('a');
    expect(await room.settled()).toMatchObject({ a: { type: 'refused', code: 'noOpenedSliceFound' } });
    room.add('b');
    while (room.clock.monotonic() < 2500) await turn();
    room.knownVersion = 2;
    expect(await room.settled()).toMatchObject({ b: stored });
    expect(room.writer.rows).toEqual(['2:b']);
  });

  test('what fails before anything was sent is surely not stored, and the stream goes on', async () => {
    const room = new Room();
    room.findFails = true;
    room.add('a');
    expect(await room.settled()).toEqual({ a: { type: 'refused', code: 'appendRefused', reason: 'the view is broken' } });
    room.findFails = false;
    room.add('b');
    expect(await room.settled()).toMatchObject({ b: stored });
  });
});

test('whatever the writer does: every row is settled once, stored means it has it once, refused that it has it not (I1, I5)', async () => {
  const steps = fc.constantFrom<WriterStep>(
    ...(['store', 'store', 'store, lose the answer', 'lose the request', 'seal', 'gap', 'conflict', 'mismatch'] as const),
    ...(['unknownSlice', 'full', 'fail', 'fail in doubt', 'store, fail in doubt'] as const),
  );
  /** How many rows come at once, how many turns of the event loop later, and how large they are. */
  const burst = fc.record({
    rows: fc.integer({ min: 1, max: 5 }),
    turns: fc.nat(4),
    padding: fc.constantFrom(0, 0, 0, 0, 0, 0, 5000, 20_000, 20_000, 400_000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 30 }),
      fc.array(burst, { maxLength: 12 }),
      fc.boolean(),
      async (script, bursts, changes) => {
        const room = new Room(script);
        if (changes) {
          room.successorVersion = 2;
          room.knownVersion = 2;
        }
        let count = 0;
        for (const { rows, turns, padding } of bursts) {
          for (let passed = 0; passed < turns; passed += 1) await turn();
          for (let row = 0; row < rows; row += 1) room.add(`${count++ % 7 === 3 ? '!' : ''}${count}`, padding);
        }
        const timesStored = new Map<string, number>();
        const outcomes = await room.settled();
        for (const row of room.writer.rows) {
          const id = /^\d:(?<id>!?\d+)/.exec(row)?.groups?.['id'] ?? row;
          timesStored.set(id, (timesStored.get(id) ?? 0) + 1);
        }
        for (const [id, { type }] of Object.entries(outcomes)) {
          const times = timesStored.get(id) ?? 0;
          if (type === 'stored') expect(times).toBe(1);
          else if (type === 'inDoubt') expect(times).toBeLessThanOrEqual(1);
          else expect(times).toBe(0);
        }
        expect(room.writer.mostInFlight).toBeLessThanOrEqual(1);
        for (const { block } of room.writer.requests) expect(block.rawLength <= maxBlockRawBytes || block.rows === 1).toBe(true);
        for (const { block, sinkVersion } of room.writer.requests)
          expect(rowsOf(block).every((row) => row.startsWith(`${sinkVersion}:`))).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});
