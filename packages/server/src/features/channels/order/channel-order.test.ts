import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OrderedChannel, range, shuffled, TestConnection } from '../../../../test/support/channels/ordered-record.ts';
import { seededNumbers } from '../../../kernel/codec/seeded-numbers.ts';

const all = range(0, 3000);

/** Every row of what the original loses, and what must become of it. */
const table: readonly { name: string; arrival: number[]; numbers: number[]; gaps?: [number, number][]; duplicates?: number }[] = [
  { name: 'perfect order', arrival: all, numbers: all },
  { name: 'the first two swapped', arrival: [1, 0, ...range(2, 3000)], numbers: all },
  { name: 'shuffled in windows of 5', arrival: shuffled(all, { window: 5, random: seededNumbers(5) }), numbers: all },
  { name: 'shuffled in windows of 20', arrival: shuffled(all, { window: 20, random: seededNumbers(20) }), numbers: all },
  {
    name: 'one packet lost',
    arrival: all.filter((number) => number !== 100),
    numbers: all.filter((number) => number !== 100),
    gaps: [[100, 100]],
  },
  { name: 'one duplicate, then perfect order', arrival: [0, 0, ...range(1, 3000)], numbers: all, duplicates: 1 },
  {
    name: 'one duplicate and windows of 5',
    arrival: [0, ...shuffled(all, { window: 5, random: seededNumbers(7) })],
    numbers: all,
    duplicates: 1,
  },
  { name: 'the source starts at 5000', arrival: range(5000, 8000), numbers: range(5000, 8000) },
];

test.each(table)('$name', ({ arrival, numbers, gaps = [], duplicates = 0 }) => {
  for (const startPolicy of ['first', 'zero'] as const) {
    const channel = new OrderedChannel({ startPolicy });
    channel.receiveAll(arrival, { connection: new TestConnection(), stepMs: 10 });
    const end = channel.now;
    channel.settle();
    expect(channel.record.numbers).toEqual([numbers]);
    expect(channel.record.epochs[0]?.gaps.map(({ from, to }) => [from, to])).toEqual(gaps);
    expect([channel.order.counts.duplicates, channel.order.counts.late]).toEqual([duplicates, 0]);
    expect(channel.now - end).toBeLessThanOrEqual(200);
    expect([channel.order.buffered, channel.budget.held('order')]).toEqual([0, 0]);
  }
});

test.each(['on a new connection', 'on the same one'])('the source begins again at 0 after 1000 packets, %s', (where) => {
  const channel = new OrderedChannel();
  const first = new TestConnection();
  channel.receiveAll(range(0, 1000), { connection: first, stepMs: 10 });
  const isSame = where === 'on the same one';
  if (!isSame) first.isOpen = false;
  channel.receiveAll(range(0, 3000), { connection: isSame ? first : new TestConnection(), stepMs: 10 });
  channel.settle();
  expect(channel.record.numbers).toEqual([range(0, 1000), range(0, 3000)]);
  expect(channel.record.epochs.flatMap(({ gaps }) => gaps)).toEqual([]);
});

test('zero: 0 begins at once; without it the lowest does after the timeout', () => {
  const connection = new TestConnection();
  const atOnce = new OrderedChannel({ startPolicy: 'zero' });
  atOnce.receive(2, connection);
  atOnce.receive(0, connection);
  expect(atOnce.record.numbers).toEqual([[0]]);
  const later = new OrderedChannel({ startPolicy: 'zero' });
  later.receive(7, connection);
  later.receive(6, connection);
  later.advanceTo(199);
  expect(later.record.epochs).toEqual([]);
  later.advanceTo(200);
  expect(later.record.numbers).toEqual([[6, 7]]);
});

test('a full window begins before the timeout', () => {
  const channel = new OrderedChannel({ windowPackets: 16 });
  for (const number of range(10, 26)) channel.receive(number, new TestConnection());
  expect(channel.record.epochs).toEqual([]);
  channel.receive(26, new TestConnection());
  expect(channel.record.numbers).toEqual([range(10, 27)]);
});

test('gaps behind gaps have no time of their own: nothing waits longer than the timeout', () => {
  const channel = new OrderedChannel();
  const connection = new TestConnection();
  channel.receiveAll(range(0, 300), { connection });
  // Every second number is lost from here on, so that each packet stands behind a gap of its own.
  const odd = range(0, 200).map((index) => 301 + 2 * index);
  channel.receiveAll(odd, { connection, stepMs: 5 });
  channel.settle();
  expect(channel.record.numbers).toEqual([[...range(0, 300), ...odd]]);
  expect(Math.max(...channel.delays)).toBe(200);
});

test('a gap is given up when more than the window wait behind it, and the lost number is late', () => {
  const channel = new OrderedChannel({ windowPackets: 8 });
  const connection = new TestConnection();
  channel.receiveAll(range(0, 300), { connection });
  const { now } = channel;
  for (const number of range(301, 309)) channel.receive(number, connection);
  expect(channel.record.numbers).toEqual([range(0, 300)]);
  channel.receive(309, connection);
  expect(channel.now).toBe(now);
  channel.receive(300, connection);
  expect(channel.record.numbers).toEqual([[...range(0, 300), ...range(301, 310)]]);
  expect(channel.record.epochs[0]?.gaps).toEqual([{ from: 300, to: 300, reason: 'window' }]);
  channel.settle();
  expect(channel.order.counts).toMatchObject({ late: 1, duplicates: 0, gaps: 1, gapPackets: 1 });
});

test('one number that makes no sense costs nothing but itself, wherever it comes', () => {
  const garbage = fc.oneof(fc.constant(10 ** 9), fc.maxSafeNat(), fc.integer({ min: 10_000, max: 100_000 }));
  fc.assert(
    fc.property(garbage, fc.nat(2000), fc.integer({ min: 5000, max: 9000 }), (number, at, first) => {
      const numbers = range(first, first + 2000);
      fc.pre(Math.abs(number - first) > 7000);
      const channel = new OrderedChannel();
      const connection = new TestConnection();
      channel.receiveAll([...numbers.slice(0, at), number, ...numbers.slice(at)], { connection, stepMs: 5 });
      channel.settle();
      expect(channel.record.numbers).toEqual([numbers]);
      expect([channel.order.counts.late, channel.order.buffered, channel.budget.held('order')]).toEqual([1, 0, 0]);
    }),
    { numRuns: 60 },
  );
});

test('a wrong number that is near is taken for a loss: the count begins again, and nothing that came is lost', () => {
  const channel = new OrderedChannel();
  const connection = new TestConnection();
  channel.receiveAll([...range(0, 300), 300 + 4096, ...range(300, 800)], { connection });
  channel.settle();
  expect(channel.record.numbers).toEqual([[...range(0, 300), 4396], range(300, 800)]);
});

test('two merged sources, of which one stalls, give each number once', () => {
  const shape = fc.record({
    stall: fc.nat(3000),
    resume: fc.nat(4000),
    behind: fc.integer({ min: -60, max: 60 }),
    lossSeed: fc.nat(),
  });
  fc.assert(
    fc.property(shape, ({ stall, resume, behind, lossSeed }) => {
      const channel = new OrderedChannel();
      const [a, b] = [new TestConnection(), new TestConnection()];
      const random = seededNumbers(lossSeed);
      const lostByA = new Set(range(100, 4000).filter(() => random() < 0.02));
      const backlog: number[] = [];
      const arrived = new Set<number>();
      for (let at = 0; at < 4000; at += 1) {
        channel.advanceTo(at * 2);
        if (!lostByA.has(at)) {
          channel.receive(at, a);
          arrived.add(at);
        }
        const number = at - behind;
        if (number < 0 || number >= 4000) continue;
        backlog.push(number);
        // After the stall everything comes at once, as out of the buffers of a network.
        if (at >= stall && at < Math.max(stall, resume)) continue;
        for (const one of backlog.splice(0)) {
          channel.receive(one, b);
          if (at < stall) arrived.add(one);
        }
      }
      channel.settle();
      expect(channel.record.epochs).toHaveLength(1);
      const delivered = new Set(channel.record.numbers[0]);
      expect([...arrived].filter((number) => !delivered.has(number))).toEqual([]);
      expect(channel.order.counts.late).toBeLessThanOrEqual(lostByA.size);
    }),
    { numRuns: 40 },
  );
});

test('bursts that come too late are dropped, while the count goes on', () => {
  const shape = fc.record({ at: fc.integer({ min: 1500, max: 1900 }), from: fc.nat(700), length: fc.integer({ min: 1, max: 300 }) });
  fc.assert(
    fc.property(shape, ({ at, from, length }) => {
      const channel = new OrderedChannel();
      const connection = new TestConnection();
      const burst = range(from, from + length);
      const onTime = range(0, 2500).filter((number) => !burst.includes(number));
      const place = onTime.indexOf(at);
      channel.receiveAll(onTime.slice(0, place), { connection });
      for (const number of burst) channel.receive(number, connection);
      channel.receiveAll(onTime.slice(place), { connection });
      channel.settle();
      const isStart = burst.includes(0);
      expect(channel.record.numbers).toEqual([onTime]);
      expect(channel.order.counts.late).toBe(length);
      expect(channel.record.epochs[0]?.gaps).toHaveLength(isStart ? 0 : 1);
    }),
    { numRuns: 60 },
  );
});

test('a source that comes back from 0 is never mixed with what was before, whatever number was due', () => {
  const shape = fc.record({ next: fc.nat(5000), shuffle: fc.nat(50), seed: fc.nat(), stepMs: fc.constantFrom(1, 3, 20) });
  fc.assert(
    fc.property(shape, ({ next, shuffle, seed, stepMs }) => {
      fc.pre(shuffle * stepMs < 200);
      const random = seededNumbers(seed);
      const channel = new OrderedChannel();
      const old = new TestConnection();
      channel.receiveAll(shuffled(range(0, next), { window: shuffle, random }), { connection: old });
      old.isOpen = false;
      channel.settle();
      const fresh = shuffled(range(0, 2000), { window: shuffle, random });
      const { now } = channel;
      channel.receiveAll(fresh, { connection: new TestConnection(), stepMs });
      channel.settle();
      const held = fresh.filter((_, index) => now + (index + 1) * stepMs < now + stepMs + 200);
      const behind = held.filter((number) => number < next).length;
      if (next === 0) expect(channel.record.numbers).toEqual([range(0, 2000)]);
      else if (behind * 2 >= held.length) expect(channel.record.numbers).toEqual([range(0, next), range(0, 2000)]);
      else expect(channel.record.numbers).toEqual([range(0, Math.max(next, 2000))]);
      expect(channel.order.counts.late).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('a source that begins again without a new connection is a new epoch, once it lies the window behind', () => {
  const shape = fc.record({
    over: fc.oneof(fc.constantFrom(0, 1, 2), fc.nat(4500)),
    shuffle: fc.nat(50),
    seed: fc.nat(),
    stepMs: fc.constantFrom(1, 3, 20),
  });
  fc.assert(
    fc.property(shape, ({ over, shuffle, seed, stepMs }) => {
      fc.pre(shuffle * stepMs < 200);
      const random = seededNumbers(seed);
      const channel = new OrderedChannel();
      const connection = new TestConnection();
      const next = 513 + over;
      channel.receiveAll(range(0, next), { connection });
      channel.advanceTo(channel.now + 1000);
      const fresh = shuffled(range(0, 2000), { window: shuffle, random });
      channel.receiveAll(fresh, { connection, stepMs });
      channel.settle();
      // The numbers before the first one that lies the window behind cannot be told from late ones.
      const told = fresh.findIndex((number) => next - 1 - number >= 512);
      const lost = new Set(fresh.slice(0, told));
      expect(channel.record.numbers).toEqual([range(0, next), range(0, 2000).filter((number) => !lost.has(number))]);
    }),
    { numRuns: 100 },
  );
});

test('the output is what came, sorted and once each, but for what came later than the window', () => {
  const shape = fc.record({
    first: fc.nat(10_000),
    loss: fc.constantFrom(0, 0.01, 0.05),
    doubles: fc.constantFrom(0, 0.01, 0.05),
    window: fc.integer({ min: 1, max: 200 }),
    seed: fc.nat(),
    stepMs: fc.constantFrom(0.125, 0.5),
  });
  fc.assert(
    fc.property(shape, ({ first, loss, doubles, window, seed, stepMs }) => {
      const random = seededNumbers(seed);
      const sent = range(first, first + 3000)
        .filter(() => random() >= loss)
        .flatMap((number) => (random() < doubles ? [number, number] : [number]));
      const arrival = shuffled(sent, { window, random });
      const channel = new OrderedChannel();
      channel.receiveAll(arrival, { connection: new TestConnection(), stepMs });
      channel.settle();
      const expected = [...new Set(sent)];
      const { counts, buffered, slabs } = channel.order;
      expect(channel.record.numbers).toEqual([expected]);
      expect([counts.late, counts.duplicates]).toEqual([0, sent.length - expected.length]);
      expect(counts.gapPackets).toBe((expected.at(-1) ?? 0) - (expected[0] ?? 0) + 1 - expected.length);
      expect([buffered, slabs, channel.budget.held('order')]).toEqual([0, 0, 0]);
      expect(Math.max(0, ...channel.delays)).toBeLessThanOrEqual(200);
    }),
    { numRuns: 60 },
  );
});

test('runs with losses, doubles and shuffling, each from 0, are an epoch each, whether the connection stays or not', () => {
  const run = fc.record({
    length: fc.integer({ min: 1000, max: 2000 }),
    isReconnected: fc.boolean(),
    loss: fc.constantFrom(0, 0.05),
    doubles: fc.constantFrom(0, 0.05),
    window: fc.integer({ min: 1, max: 200 }),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 2, maxLength: 5 }), fc.nat(), (runs, seed) => {
      const random = seededNumbers(seed);
      const channel = new OrderedChannel();
      let connection = new TestConnection();
      const expected: number[][] = [];
      for (const { length, isReconnected, loss, doubles, window } of runs) {
        if (isReconnected) {
          connection.isOpen = false;
          connection = new TestConnection();
        }
        const sent = range(0, length)
          .filter(() => random() >= loss)
          .flatMap((number) => (random() < doubles ? [number, number] : [number]));
        channel.receiveAll(shuffled(sent, { window, random }), { connection, stepMs: 0.5 });
        expected.push([...new Set(sent)]);
      }
      channel.settle();
      expect(channel.record.numbers).toEqual(expected);
      expect([channel.order.counts.late, channel.order.buffered, channel.budget.held('order')]).toEqual([0, 0, 0]);
    }),
    { numRuns: 40 },
  );
});

test.each([1, 4, 8])('a window of %i sees a new count, too', (windowPackets) => {
  const channel = new OrderedChannel({ windowPackets });
  const connection = new TestConnection();
  channel.receiveAll([...range(0, 300), ...range(0, 100)], { connection, stepMs: 20 });
  channel.settle();
  const [before, after = []] = channel.record.numbers;
  expect(before).toEqual(range(0, 300));
  expect(after).toEqual(range(after[0] ?? 0, 100));
  expect(after.length + channel.order.counts.late).toBe(100);
  expect(after.length).toBeGreaterThan(80);
});

test('what waits under the old count is delivered before the new one begins', () => {
  const channel = new OrderedChannel({ windowPackets: 16 });
  const old = new TestConnection();
  channel.receiveAll([...range(0, 300), 301], { connection: old });
  old.isOpen = false;
  const fresh = new TestConnection();
  for (const number of range(0, 17)) channel.receive(number, fresh);
  expect(channel.record.epochs).toEqual([
    { first: 0, numbers: [...range(0, 300), 301], gaps: [{ from: 300, to: 300, reason: 'timeout' }] },
    { first: 0, numbers: range(0, 17), gaps: [] },
  ]);
});
