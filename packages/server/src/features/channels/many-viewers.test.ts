import { describe, expect, test } from 'vitest';
import { openHub, told } from '../../../test/support/hub-fixture.ts';
import { ScriptedSink } from '../../../test/support/scripted-sink.ts';
import type { Joining } from './channel-hub.ts';
import { v1Form } from './fanout/delivery-form.ts';

describe('many viewers of a steady channel', () => {
  const watched = (viewers: number) => {
    const opened = openHub();
    const sinks = Array.from({ length: viewers }, () => new ScriptedSink());
    for (const sink of sinks) opened.join(sink);
    const sendOne = (sequence: number) => {
      opened.send(sequence, `${sequence} `);
      opened.turns.all();
    };
    /** What the writes of the first viewer and of the last one had. */
    const writes = () => [sinks[0], sinks.at(-1)].map((sink) => sink?.written.map((bytes) => Buffer.from(bytes).toString().trim()));
    return { ...opened, sinks, sendOne, writes };
  };

  test('take turns: each half gets every other write, with two packets', () => {
    const { timers, sendOne, writes } = watched(64);
    for (let sequence = 0; sequence < 6; sequence += 1) {
      sendOne(sequence);
      timers.advance(5);
    }
    expect(writes()).toEqual([
      ['0', '1', '2 3', '4 5'],
      ['0', '1 2', '3 4'],
    ]);
  });

  test('get the last packet in time, though no other follows', () => {
    const { timers, turns, sendOne, writes } = watched(64);
    for (let sequence = 0; sequence < 3; sequence += 1) {
      sendOne(sequence);
      timers.advance(5);
    }
    expect(writes().map((texts) => texts?.join(' '))).toEqual(['0 1', '0 1 2']);
    timers.advance(1);
    turns.all();
    expect(writes().map((texts) => texts?.join(' '))).toEqual(['0 1 2', '0 1 2']);
  });

  test('get each packet at once where another one takes longer, and behind a pause', () => {
    const { timers, sendOne, writes } = watched(64);
    for (let sequence = 0; sequence < 3; sequence += 1) {
      sendOne(sequence);
      timers.advance(7);
    }
    expect(writes()).toEqual(Array(2).fill(['0', '1', '2']));
  });

  test('are more than a few', () => {
    const { timers, sendOne, writes } = watched(63);
    for (let sequence = 0; sequence < 4; sequence += 1) {
      sendOne(sequence);
      timers.advance(5);
    }
    expect(writes()).toEqual(Array(2).fill(['0', '1', '2', '3']));
  });

  test('get everything when the service stops', async () => {
    const { hub, timers, turns, sendOne, writes } = watched(64);
    for (let sequence = 0; sequence < 3; sequence += 1) {
      if (sequence > 0) timers.advance(5);
      sendOne(sequence);
    }
    const drained = hub.drain(1000);
    turns.all();
    await drained;
    expect(writes().map((texts) => texts?.join(' '))).toEqual(['0 1 2', '0 1 2']);
  });
});

describe('viewers who move as one', () => {
  const numbersOf = (sink: ScriptedSink): string => sink.text.trim();
  /** A hundred viewers of a channel with a packet each 5 ms, behind so many packets; the first half got the last one first. */
  const moving = (packets: number, given: (viewer: number) => Partial<Joining> = () => ({})) => {
    const opened = openHub();
    opened.output.epoch(1, 0);
    const sinks = Array.from({ length: 100 }, () => new ScriptedSink());
    for (const [viewer, sink] of sinks.entries()) opened.join(sink, given(viewer));
    let next = 0;
    const sendMore = (count: number) => {
      for (const end = next + count; next < end; next += 1) {
        opened.send(next, `${next} `);
        opened.turns.all();
        opened.timers.advance(5);
      }
    };
    sendMore(packets);
    const [first = new ScriptedSink(), second = new ScriptedSink()] = sinks;
    const account = (viewer: number) => opened.accounts.of(`s${viewer + 1}`);
    return { ...opened, sinks, first, second, sendMore, account };
  };
  const numberTexts = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, at) => from + at).join(' ');

  test('have their numbers when somebody asks, and their accounts within a tenth of a second', () => {
    const { hub, sinks, account, sendMore } = moving(16);
    expect(hub.sessions()[0]).toMatchObject({ packets: 16, bytes: 38, dropped: 0, lagBytes: 0 });
    const before = account(1).packets;
    sendMore(40);
    expect(account(1).packets).toBeGreaterThanOrEqual(before + 18);
    expect(account(1).ranges.length).toBeLessThan(12);
    hub.end();
    for (const [viewer, sink] of sinks.entries()) {
      const had = numbersOf(sink).split(' ').length;
      expect(had).toBeGreaterThanOrEqual(55);
      expect(account(viewer)).toMatchObject({ packets: had, isClosed: true });
      expect(account(viewer).ranges.at(-1)?.to).toBe(had - 1);
    }
  });

  test('lose one who does not keep up, and have it back when it does', () => {
    const { first, second, sendMore, turns, timers, account, hub } = moving(16);
    first.isStalled = true;
    sendMore(10);
    expect(first.waiting).toBe(1);
    expect(numbersOf(second)).toBe(numberTexts(0, 25));
    first.isStalled = false;
    first.release();
    turns.all();
    sendMore(60);
    timers.advance(100);
    turns.all();
    for (const sink of [first, second]) expect(numbersOf(sink)).toBe(numberTexts(0, 85));
    hub.end();
    for (const viewer of [0, 1]) expect(account(viewer)).toMatchObject({ packets: 86, dropped: 0 });
  });

  test('lose one whose write fails, which is not billed for it', async () => {
    const { hub, first, second, sendMore, account } = moving(16);
    first.state = 'destroyed';
    sendMore(2);
    await Promise.resolve();
    expect(hub.sessionCount).toBe(99);
    expect(account(0)).toMatchObject({ packets: 16, isClosed: true });
    sendMore(20);
    expect(numbersOf(second)).toBe(numberTexts(0, 37));
  });

  test('part where an epoch begins, and go on together in the next one', () => {
    const { hub, output, send, turns, timers, first, account } = moving(16);
    output.epoch(2, 0);
    for (let sequence = 0; sequence < 30; sequence += 1) {
      send(sequence, 'x');
      turns.all();
      timers.advance(5);
    }
    timers.advance(10);
    turns.all();
    expect(first.text.endsWith('15 '.concat('x'.repeat(30)))).toBe(true);
    hub.end();
    const { ranges } = account(0);
    expect(ranges.filter(({ epoch }) => epoch === 2).reduce((sum, { packets }) => sum + packets, 0)).toBe(30);
    expect(ranges.at(-1)).toMatchObject({ epoch: 2, to: 29 });
  });

  test('may read in different forms', () => {
    const { sinks, hub, account, timers, turns } = moving(40, (viewer) => (viewer % 2 === 0 ? {} : { form: v1Form }));
    timers.advance(10);
    turns.all();
    expect(numbersOf(sinks[0] ?? new ScriptedSink())).toBe(numberTexts(0, 39));
    expect(told(sinks[1] ?? new ScriptedSink()).filter((text) => text.startsWith('data'))).toEqual(
      Array.from({ length: 40 }, (_, sequence) => `data 1:${sequence}`),
    );
    hub.end();
    for (const viewer of [0, 1, 98, 99]) expect(account(viewer)).toMatchObject({ packets: 40, bytes: 110 });
  });

  test('are let in and leave at any time', () => {
    const { hub, join, sendMore, sinks } = moving(16);
    const late = new ScriptedSink();
    const session = join(late);
    sendMore(3);
    hub.closeSession('s7');
    sendMore(3);
    session.end('gone');
    sendMore(3);
    expect(numbersOf(late)).toBe(numberTexts(16, 21));
    expect(sinks[6]?.state).toBe('ended');
    expect(numbersOf(sinks[7] ?? late).startsWith(numberTexts(0, 23))).toBe(true);
  });
});
