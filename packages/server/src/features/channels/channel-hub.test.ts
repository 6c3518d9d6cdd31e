import { describe, expect, test } from 'vitest';
import { openHub, told } from '../../../test/support/hub-fixture.ts';
import { ScriptedSink } from '../../../test/support/scripted-sink.ts';
import { lenForm, v1Form } from './fanout/delivery-form.ts';
import type { SlowPolicy } from './slow-policies.ts';

const slab = 256 * 1024;

describe('a viewer', () => {
  test('gets what comes from its begin on, as bytes and no more', () => {
    const { join, send, output, settle, accounts } = openHub();
    output.epoch(1, 0);
    send(0, 'before');
    const sink = new ScriptedSink();
    join(sink);
    send(1, 'one');
    send(2, '');
    output.gap(3, 4, 'timeout');
    send(5, 'five');
    output.epoch(2, 0);
    send(0, 'zero');
    settle();
    expect(sink.text).toBe('onefivezero');
    expect(accounts.of('s1').ranges).toEqual([
      { epoch: 1, from: 1, to: 5, packets: 3, bytes: 7 },
      { epoch: 2, from: 0, to: 0, packets: 1, bytes: 4 },
    ]);
  });

  test('shares its slice with every viewer at the same position', () => {
    const { join, send, settle } = openHub();
    const slices: Uint8Array[] = [];
    for (const user of ['a', 'b', 'c']) {
      const sink = new ScriptedSink();
      sink.writeAtOnce = (bytes) => slices.push(bytes) > 0;
      join(sink, { user });
    }
    send(0, 'payload');
    send(1, ' and more');
    settle();
    expect(slices.map((slice) => Buffer.from(slice).toString())).toEqual(['payload and more', 'payload and more', 'payload and more']);
    expect(new Set(slices).size).toBe(1);
  });

  test('is sent the first packet after a pause at once, and those behind it together', () => {
    const { join, send, turns, timers, settle } = openHub();
    const sink = new ScriptedSink();
    join(sink);
    send(0, 'a');
    turns.next();
    expect(sink.written.length).toBe(1);
    send(1, 'b');
    timers.advance(1);
    send(2, 'c');
    turns.all();
    expect(sink.written.length).toBe(1);
    timers.advance(1);
    expect(sink.written.map((bytes) => Buffer.from(bytes).toString())).toEqual(['a', 'bc']);
    settle();
  });

  test.each([
    [0, [65_000, 65_000, 20_000]],
    [4, [40_000, 40_000, 40_000, 30_000]],
    [1, new Array(15).fill(10_000)],
  ])('gets at most %i packets and 64 KiB in a write', (packetBatchSize, sizes) => {
    const { join, send, settle } = openHub({ packetBatchSize });
    const sink = new ScriptedSink();
    join(sink);
    const size = packetBatchSize === 0 ? 5000 : 10_000;
    for (let sequence = 0; sequence * size < 150_000; sequence += 1) send(sequence, Buffer.alloc(size));
    settle();
    expect(sink.written.map(({ length }) => length)).toEqual(sizes);
  });

  test('with frames hears numbers, gaps and epochs', () => {
    const { join, send, output, settle, hub } = openHub();
    const early = new ScriptedSink();
    join(early, { form: v1Form });
    output.epoch(1, 5);
    send(5, 'a');
    output.gap(6, 8, 'window');
    send(9, 'b');
    settle();
    const late = new ScriptedSink();
    join(late, { form: v1Form });
    output.epoch(2, 0);
    send(0, 'c');
    settle();
    hub.closeUser('user-1');
    expect(told(early)).toEqual(['hello 0:0', 'epoch 1:5', 'data 1:5', 'gap 1:6-8 2', 'data 1:9', 'epoch 2:0', 'data 2:0', 'bye CLOSED']);
    expect(told(late)).toEqual(['hello 1:10', 'epoch 2:0', 'data 2:0', 'bye CLOSED']);
    expect(early.state).toBe('ended');
  });

  test('with lengths gets number and length before each payload', () => {
    const { join, send, settle } = openHub();
    const sink = new ScriptedSink();
    join(sink, { form: lenForm });
    send(258, 'abc');
    settle();
    expect(sink.bytes.toString('hex')).toBe('000000000000010200000003616263');
  });

  test('that asks for a transport stream begins at its first packet', () => {
    const { join, send, settle, accounts } = openHub();
    const sink = new ScriptedSink();
    join(sink, { isAligned: true });
    const packet = Buffer.alloc(188, 0x11);
    packet[0] = 0x47;
    send(0, Buffer.alloc(100, 0x22));
    send(1, Buffer.concat([Buffer.from('tail'), packet]));
    send(2, packet);
    settle();
    expect(sink.bytes).toEqual(Buffer.concat([packet, packet]));
    expect(accounts.of('s1')).toMatchObject({ packets: 2, bytes: 376, dropped: 0 });
  });
});

describe('a viewer that comes back', () => {
  const withPackets = () => {
    const opened = openHub({ slabs: 3 });
    opened.output.epoch(1, 100);
    for (let sequence = 100; sequence < 110; sequence += 1) opened.send(sequence, `p${sequence} `);
    opened.settle();
    return opened;
  };

  test('goes on behind what it has', () => {
    const { join, send, settle } = withPackets();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'number', epoch: 1, sequence: 108 }, form: v1Form });
    send(110, 'x');
    settle();
    expect(told(sink)).toEqual(['hello 1:108', 'data 1:108', 'data 1:109', 'data 1:110']);
  });

  test('of another epoch gets one gap, then live', () => {
    const { join, send, output, settle } = withPackets();
    output.epoch(2, 0);
    send(0, 'a');
    settle();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'number', epoch: 1, sequence: 105 }, form: v1Form });
    send(1, 'b');
    settle();
    expect(told(sink)).toEqual(['hello 2:0', 'gap 2:0-0 6', 'data 2:1']);
  });

  test('for what the ring has no longer gets one gap, then live', () => {
    const { join, send, settle } = withPackets();
    for (let sequence = 110; sequence < 120; sequence += 1) send(sequence, Buffer.alloc(200_000));
    settle();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'number', epoch: undefined, sequence: 108 }, form: v1Form });
    send(120, 'b');
    settle();
    expect(told(sink)).toEqual(['hello 1:108', 'gap 1:108-119 5', 'data 1:120']);
  });

  test('to a service that began anew hears which numbers it missed, and gets no number again', () => {
    const { join, send, output, settle } = openHub();
    const behind = new ScriptedSink();
    const ahead = new ScriptedSink();
    join(behind, { start: { at: 'number', epoch: 1, sequence: 495 }, form: v1Form });
    join(ahead, { start: { at: 'number', epoch: 1, sequence: 502 }, form: v1Form });
    settle();
    expect([told(behind), told(ahead)]).toEqual([[], []]);
    output.epoch(1, 500);
    for (let sequence = 500; sequence < 504; sequence += 1) send(sequence, 'x');
    settle();
    expect(told(behind)).toEqual(['hello 1:495', 'gap 1:495-499 5', 'data 1:500', 'data 1:501', 'data 1:502', 'data 1:503']);
    expect(told(ahead)).toEqual(['hello 1:502', 'data 1:502', 'data 1:503']);
  });

  test('with a number that is not there yet gets no number before it', () => {
    const { join, send, settle } = withPackets();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'number', epoch: 1, sequence: 112 }, form: v1Form });
    for (let sequence = 110; sequence < 114; sequence += 1) send(sequence, 'x');
    settle();
    expect(told(sink)).toEqual(['hello 1:112', 'data 1:112', 'data 1:113']);
  });

  test('with a number far ahead asks for another count', () => {
    const { join, send, settle } = withPackets();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'number', epoch: 1, sequence: 90_000 }, form: v1Form });
    send(110, 'x');
    settle();
    expect(told(sink)).toEqual(['hello 1:100', 'gap 1:100-109 6', 'data 1:110']);
  });

  test('may ask for the last seconds', () => {
    const { join, send, settle, timers } = withPackets();
    timers.advance(5000);
    send(110, 'new ');
    settle();
    const sink = new ScriptedSink();
    join(sink, { start: { at: 'ago', ms: 3000 } });
    settle();
    expect(sink.text).toBe('new ');
  });
});

describe('a viewer that does not take its bytes', () => {
  const stalled = (policy: SlowPolicy, rules: Parameters<typeof openHub>[0] = {}) => {
    const opened = openHub({ policy, maxLagBytes: 1000, ...rules });
    const sink = new ScriptedSink({ isStalled: true });
    opened.join(sink, { form: v1Form });
    sink.release();
    const publish = (from: number, to: number) => {
      for (let sequence = from; sequence <= to; sequence += 1) opened.send(sequence, Buffer.alloc(100));
      opened.settle();
    };
    return { ...opened, sink, publish };
  };

  test('under drop-oldest keeps the newest bytes within its bound, as whole packets', () => {
    const { sink, publish, settle, accounts } = stalled('drop-oldest');
    publish(0, 4);
    publish(5, 29);
    sink.isStalled = false;
    sink.release();
    settle();
    const head = ['hello 0:0', 'epoch 1:0', 'data 1:0', 'data 1:1', 'data 1:2', 'data 1:3', 'data 1:4'];
    expect(told(sink)).toEqual([...head.filter((line) => !line.startsWith('epoch')), 'gap 1:5-19 4', ...range(20, 29)]);
    expect(accounts.of('s1')).toMatchObject({ packets: 15, bytes: 1500, dropped: 15 });
  });

  test('hears of each epoch once where its place is behind several that are empty', () => {
    const { join, send, output, settle } = openHub({ maxLagBytes: 1000 });
    output.epoch(1, 0);
    const sink = new ScriptedSink();
    join(sink, { form: v1Form });
    send(0, Buffer.alloc(2000));
    output.epoch(2, 7);
    output.epoch(3, 9);
    send(9, 'new');
    settle();
    expect(told(sink)).toEqual(['hello 1:0', 'gap 1:0-0 4', 'epoch 2:7', 'epoch 3:9', 'data 3:9']);
  });

  test('under skip-to-live gets nothing of what waited', () => {
    const { sink, publish, settle } = stalled('skip-to-live');
    publish(0, 4);
    publish(5, 29);
    sink.isStalled = false;
    sink.release();
    settle();
    publish(30, 30);
    expect(told(sink).slice(-2)).toEqual(['gap 1:5-29 4', 'data 1:30']);
  });

  test('under disconnect is ended at the bound, with the flush that passes it', () => {
    const { sink, publish, hub, accounts } = stalled('disconnect');
    publish(0, 4);
    publish(5, 14);
    expect([sink.state, hub.sessionCount]).toEqual(['open', 1]);
    publish(15, 15);
    expect([sink.state, hub.sessionCount]).toEqual(['destroyed', 0]);
    expect(accounts.of('s1').isClosed).toBe(true);
  });

  test('under pause may lag as far as the ring goes, and is ended beyond it', () => {
    const { sink, publish, settle, hub, send } = stalled('pause', { slabs: 3 });
    publish(0, 4);
    publish(5, 500);
    sink.isStalled = false;
    sink.release();
    settle();
    expect(told(sink).slice(1)).toEqual(range(0, 500));
    sink.isStalled = true;
    publish(501, 501);
    for (let sequence = 502; sequence < 510; sequence += 1) {
      send(sequence, Buffer.alloc(slab));
      settle();
    }
    expect([sink.state, hub.sessionCount]).toEqual(['destroyed', 0]);
  });

  test('has the policy of its user', () => {
    const { join, send, settle, hub } = openHub({ maxLagBytes: 1000, userPolicies: new Map([['user-2', 'disconnect']]) });
    const sinks = ['user-1', 'user-2'].map((user) => {
      const sink = new ScriptedSink({ isStalled: true });
      join(sink, { user });
      return sink;
    });
    for (let sequence = 0; sequence < 3; sequence += 1) {
      send(sequence, Buffer.alloc(2000));
      settle();
    }
    expect(sinks.map(({ state }) => state)).toEqual(['open', 'destroyed']);
    expect(hub.sessions().map(({ policy }) => policy)).toEqual(['drop-oldest']);
  });

  test('has one write under way, and delays nobody', () => {
    const { sink, publish, join } = stalled('drop-oldest');
    const other = new ScriptedSink();
    join(other, { user: 'user-2', form: v1Form });
    for (let flush = 0; flush < 20; flush += 1) publish(flush * 10, flush * 10 + 9);
    expect(sink.waiting).toBe(1);
    expect(told(other).slice(1)).toEqual(range(0, 199));
  });

  test('is billed without what its system shows as not taken', () => {
    const { sink, publish, hub, accounts, timers } = stalled('drop-oldest');
    hub.watchUntaken((sessions) => {
      for (const session of sessions) session.noteUntaken(242);
    });
    publish(0, 4);
    sink.release();
    publish(5, 5);
    timers.advance(2000);
    hub.closeSession('s1');
    // 605 bytes on the wire are 5 packets of 100 bytes: 242 of them are 2 packets.
    expect(accounts.of('s1')).toMatchObject({ packets: 5, untaken: { packets: 2, bytes: 200 } });
  });
});

describe('memory', () => {
  test('is given back with the last second of the replay', () => {
    const { send, settle, budget, timers } = openHub({ replayMs: 5000 });
    for (let sequence = 0; sequence < 10; sequence += 1) send(sequence, Buffer.alloc(100_000));
    settle();
    expect(budget.used).toBe(5);
    timers.advance(7000);
    expect(budget.used).toBe(0);
    expect(timers.pending).toBe(0);
  });

  test('of a slab that a write needs counts until the write ends', () => {
    const { join, send, settle, budget, timers } = openHub({ replayMs: 5000 });
    const sink = new ScriptedSink({ isStalled: true });
    join(sink);
    send(0, 'x');
    settle();
    timers.advance(7000);
    expect(budget.used).toBe(1);
    sink.release();
    expect(budget.used).toBe(0);
  });

  test('is taken from the channel that has most', () => {
    const { hub, send, settle, budget } = openHub({ slabs: 8 });
    for (let sequence = 0; sequence < 8; sequence += 1) send(sequence, Buffer.alloc(slab));
    settle();
    const other = hub.openOutput('zato02');
    for (let sequence = 0; sequence < 4; sequence += 1) other.data(sequence, Buffer.alloc(slab), 0, slab);
    settle();
    expect(hub.channels().map(({ bufferedSlabs }) => bufferedSlabs)).toEqual([4, 4]);
    expect(budget.used).toBe(8);
  });

  test('of a thousand channels with a packet each does not stop another one', () => {
    const { hub, send, settle, join, timers } = openHub({ slabs: 20 });
    for (let channel = 0; channel < 1000; channel += 1) hub.openOutput(`junk${channel}`).data(0, Buffer.from('x'), 0, 1);
    timers.advance(2000);
    const sink = new ScriptedSink();
    join(sink, { form: v1Form });
    for (let sequence = 0; sequence < 100; sequence += 1) {
      send(sequence, Buffer.alloc(100_000));
      settle();
    }
    expect(told(sink).slice(-100)).toEqual(range(0, 99));
    // Its replay has what the others gave up.
    expect(hub.channels().find(({ channel }) => channel === 'zato01')?.bufferedSlabs).toBeGreaterThan(15);
  });

  test('that is all held by a write that does not end costs that viewer its session', async () => {
    const { hub, join, send, settle, timers, budget } = openHub({ slabs: 2 });
    const slow = new ScriptedSink({ isStalled: true });
    join(slow, { user: 'slow' });
    send(0, Buffer.alloc(2 * slab));
    settle();
    timers.advance(2000);
    const sink = new ScriptedSink();
    join(sink, { form: v1Form });
    send(1, 'lost');
    send(2, 'kept');
    settle();
    expect(slow.state).toBe('destroyed');
    expect(told(sink)).toEqual(['hello 1:1', 'gap 1:1-1 3', 'data 1:2']);
    expect(hub.channels()[0]).toMatchObject({ refused: 1, packets: 2 });
    expect(budget.used).toBe(2);
  });

  test('of framed batches is counted, and given back', () => {
    const { join, send, settle, budget, hub, timers } = openHub({ replayMs: 1000 });
    const sink = new ScriptedSink({ isStalled: true });
    join(sink, { form: v1Form });
    send(0, 'x');
    settle();
    expect(budget.used).toBe(2);
    timers.advance(4000);
    expect(budget.used).toBe(1);
    hub.closeUser('user-1');
    expect(budget.used).toBe(0);
  });
});

describe('a session', () => {
  test('with ack=1 is billed for what is acknowledged', () => {
    const { join, send, settle, accounts, hub } = openHub();
    const session = join(new ScriptedSink(), { form: v1Form, withAck: true });
    for (let sequence = 0; sequence < 3; sequence += 1) {
      send(sequence, 'abc');
      settle();
    }
    session.acknowledged(1, 1);
    expect(accounts.of('s1')).toMatchObject({ packets: 2, bytes: 6 });
    hub.closeSession('s1');
    session.acknowledged(1, 2);
    expect(accounts.of('s1')).toMatchObject({ packets: 2, isClosed: true });
  });

  test('whose write fails is ended, and not billed for it', () => {
    const { join, send, settle, accounts, hub } = openHub();
    const sink = new ScriptedSink({ isStalled: true });
    join(sink);
    send(0, 'abc');
    settle();
    sink.release(new Error('EPIPE'));
    expect(hub.sessionCount).toBe(0);
    expect(accounts.of('s1')).toMatchObject({ packets: 0, isClosed: true });
  });

  test('that is half-closed ends after three seconds with nothing to send', () => {
    const { join, send, settle, hub, timers } = openHub();
    hub.halfClosed(join(new ScriptedSink()));
    for (let second = 0; second < 10; second += 1) {
      send(second, 'x');
      settle();
      timers.advance(1000);
    }
    expect(hub.sessionCount).toBe(1);
    timers.advance(4000);
    expect(hub.sessionCount).toBe(0);
  });

  test('is listed with what it had', () => {
    const { join, send, settle, hub } = openHub();
    join(new ScriptedSink());
    send(0, 'abc');
    settle();
    expect(hub.sessions()).toMatchObject([
      { sessionId: 's1', user: 'user-1', channel: 'zato01', form: 'raw', packets: 1, bytes: 3, lagBytes: 0 },
    ]);
    expect(hub.channels()).toMatchObject([{ channel: 'zato01', epoch: 1, next: 1, viewers: 1, packets: 1, bytes: 3, rate: 0.1 }]);
    expect([hub.closeSession('s1'), hub.closeSession('s1')]).toEqual([true, false]);
  });

  test('is drained before it is ended, and cut off at the deadline', async () => {
    const { join, send, hub, turns, timers, settle } = openHub();
    const sinks = [new ScriptedSink(), new ScriptedSink({ isStalled: true })];
    for (const sink of sinks) join(sink, { form: v1Form });
    sinks[1]?.release();
    send(0, 'x');
    const drained = hub.drain(5000);
    turns.all();
    expect(told(sinks[0] ?? new ScriptedSink())).toEqual(['hello 0:0', 'data 1:0', 'bye SHUTTING_DOWN']);
    timers.advance(5000);
    settle();
    await drained;
    expect(sinks.map(({ state }) => state)).toEqual(['ended', 'destroyed']);
  });
});

const range = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, at) => `data 1:${from + at}`);
