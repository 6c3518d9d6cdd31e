import { beforeEach, expect, it } from 'vitest';
import type { PlacedEvent } from '../support/lane/placed-event.ts';
import { SentEvents } from './sent-events.ts';

const one: PlacedEvent = { time: 1, amount: 7, partition: 0, offset: 0 };
const two: PlacedEvent = { time: 2, amount: 3, partition: 0, offset: 1 };
const unanswered: PlacedEvent = { time: 3, amount: 3, partition: 1, offset: 0 };
const log = [one, two, unanswered];
let sent: SentEvents;
beforeEach(() => {
  sent = new SentEvents();
  for (const event of log) sent.send(event);
  sent.acknowledge([one, two]);
});

it('finds nothing where every acknowledged event is in one store, once', () => {
  expect(sent.compare({ stores: { high: [one], low: [two] }, log })).toMatchObject({ lost: 0, doubled: 0, strays: 0, examples: [] });
});

it('takes events without an answer either way', () => {
  expect(sent.compare({ stores: { high: [one], low: [two, unanswered] }, log })).toMatchObject({ lost: 0, doubled: 0, strays: 0 });
  expect(sent.compare({ stores: { high: [one], low: [two] }, log: [one, two] })).toMatchObject({ lost: 0, doubled: 0, strays: 0 });
});

it('counts an acknowledged event that no store has as lost, and says whether the log has it', () => {
  expect(sent.compare({ stores: { high: [one], low: [] }, log })).toMatchObject({
    lost: 1,
    examples: ['lost: 2/3 is in no store, and in the log'],
  });
  expect(sent.compare({ stores: { high: [one], low: [] }, log: [one] }).examples).toEqual([
    'lost: 2/3 is in no store, and not even in the log',
  ]);
});

it('counts a record that is twice in a store as doubled', () => {
  expect(sent.compare({ stores: { high: [one, one], low: [two] }, log })).toMatchObject({ lost: 0, doubled: 1, strays: 0 });
});

it('counts a record that is in both stores as doubled', () => {
  expect(sent.compare({ stores: { high: [one], low: [two, one] }, log })).toMatchObject({ lost: 0, doubled: 1, strays: 0 });
});

it('counts an event whose repeat is stored too as doubled, also without an answer', () => {
  const repeat = { ...unanswered, offset: 1 };
  expect(sent.compare({ stores: { high: [one], low: [two, unanswered, repeat] }, log: [...log, repeat] })).toMatchObject({ doubled: 1 });
});

it('counts two events at one place of the log as doubled', () => {
  expect(sent.compare({ stores: { high: [one], low: [{ ...two, offset: 0 }] }, log })).toMatchObject({ doubled: 1 });
});

it('counts rows and records that nobody sent as strays', () => {
  const stray = { time: 9, amount: 9, partition: 2, offset: 0 };
  expect(sent.compare({ stores: { high: [one, stray], low: [two] }, log: [...log, stray] })).toMatchObject({
    lost: 0,
    doubled: 0,
    strays: 2,
  });
});

it('takes no two events that are alike, and no acknowledgement of what was not sent', () => {
  expect(() => sent.send({ time: 1, amount: 7 })).toThrow('alike');
  expect(() => sent.acknowledge([{ time: 1, amount: 8 }])).toThrow('nobody sent');
});
