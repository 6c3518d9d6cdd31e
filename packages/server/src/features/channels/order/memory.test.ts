import { expect, test } from 'vitest';
import { OrderedChannel, range, TestConnection } from '../../../../test/support/channels/ordered-record.ts';
import { SlabBudget } from '../slab-budget.ts';

const slabBytes = 4096;
const payloadOf = (sequence: number) => Buffer.alloc(1000, String(sequence));

test('a window holds the slabs of what waits, and gives them back', () => {
  const budget = new SlabBudget({ maxBytes: 100 * slabBytes, slabBytes });
  const channel = new OrderedChannel({}, { budget, payloadOf });
  const connection = new TestConnection();
  channel.receiveAll(range(0, 300), { connection });
  expect(budget.held('order')).toBe(0);
  for (const number of range(301, 341)) channel.receive(number, connection);
  // Four payloads of 1000 bytes fit into a slab.
  expect([budget.held('order'), channel.order.slabs]).toEqual([10, 10]);
  channel.receive(300, connection);
  expect(channel.record.numbers).toEqual([range(0, 341)]);
  expect(budget.held('order')).toBe(0);
});

test('a garbage number keeps one slab, whatever it is', () => {
  for (const garbage of [10 ** 9, Number.MAX_SAFE_INTEGER, 301 + 4096]) {
    const channel = new OrderedChannel();
    const connection = new TestConnection();
    channel.receiveAll(range(0, 300), { connection });
    channel.receive(garbage, connection);
    expect(channel.budget.allocated).toBe(1);
    channel.receiveAll(range(300, 600), { connection });
    channel.settle();
    expect(channel.record.numbers).toEqual([range(0, 600)]);
    expect(channel.budget.held('order')).toBe(0);
  }
});

test('a channel keeps to its share: the gap before what waits is given up, and nothing that came is lost', () => {
  const budget = new SlabBudget({ maxBytes: 100 * slabBytes, slabBytes });
  const channel = new OrderedChannel({ maxChannelBytes: 3 * slabBytes }, { budget, payloadOf });
  const connection = new TestConnection();
  channel.receive(0, connection);
  channel.settle();
  for (const number of range(2, 50)) {
    channel.receive(number, connection);
    expect(budget.held('order')).toBeLessThanOrEqual(3);
  }
  channel.settle();
  expect(channel.record.numbers).toEqual([[0, ...range(2, 50)]]);
  expect(channel.record.epochs[0]?.gaps).toEqual([{ from: 1, to: 1, reason: 'window' }]);
});

test('without any memory packets are delivered as they come, and gaps are told', () => {
  const budget = new SlabBudget({ maxBytes: 0 });
  const channel = new OrderedChannel({}, { budget });
  for (const number of [5, 6, 8, 7, 9]) channel.receive(number, new TestConnection());
  expect(channel.record.epochs).toEqual([{ first: 5, numbers: [5, 6, 8, 9], gaps: [{ from: 7, to: 7, reason: 'window' }] }]);
  expect(channel.order.counts.late).toBe(1);
});

test('a payload larger than a slab counts as the slabs that it fills', () => {
  const budget = new SlabBudget({ maxBytes: 100 * slabBytes, slabBytes });
  const large = (sequence: number) => Buffer.alloc(sequence === 2 ? 3 * slabBytes + 1 : 10, String(sequence));
  const channel = new OrderedChannel({}, { budget, payloadOf: large });
  const connection = new TestConnection();
  channel.receive(0, connection);
  channel.settle();
  channel.receive(2, connection);
  expect(budget.held('order')).toBe(4);
  channel.receive(1, connection);
  expect(channel.record.numbers).toEqual([[0, 1, 2]]);
  expect([budget.held('order'), budget.allocated]).toEqual([0, 1]);
});

test('candidates have half of the share of their channel', () => {
  const budget = new SlabBudget({ maxBytes: 100 * slabBytes, slabBytes });
  const channel = new OrderedChannel({ maxChannelBytes: 8 * slabBytes }, { budget, payloadOf });
  const connection = new TestConnection();
  channel.receiveAll(range(0, 300), { connection });
  for (const number of range(100_000, 100_400)) channel.receive(number, connection);
  expect(budget.held('order')).toBeLessThanOrEqual(5);
  channel.settle();
  expect(channel.record.epochs).toHaveLength(2);
  expect(channel.record.numbers[1]?.at(-1)).toBe(100_399);
  expect(budget.held('order')).toBe(0);
});
