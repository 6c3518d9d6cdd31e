import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framesOf, openHub } from '../../../test/support/hub-fixture.ts';
import { ScriptedSink } from '../../../test/support/scripted-sink.ts';
import { v1Form } from './fanout/delivery-form.ts';
import type { SlowPolicy } from './slow-policies.ts';

/** Whatever viewers and memory do: numbers rise in each epoch, each is told once as packet or gap, and accounts agree with both. */
test('received, dropped and gaps add up for every viewer', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('data' as const),
        count: fc.integer({ min: 1, max: 40 }),
        size: fc.constantFrom(0, 10, 3000, 70_000, 300_000),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('steady' as const), count: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('gap' as const), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('epoch' as const), next: fc.nat(1000) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), ms: fc.constantFrom(2, 5, 1000) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), viewer: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('stall' as const), viewer: fc.nat(4), isStalled: fc.boolean() }) },
  );
  const viewer = fc.record({
    policy: fc.constantFrom<SlowPolicy>('drop-oldest', 'skip-to-live', 'disconnect', 'pause'),
    isStalled: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(viewer, { minLength: 3, maxLength: 5 }),
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 6, max: 30 }),
      // From two on, they take turns.
      fc.constantFrom(2, 64),
      (viewers, steps, slabs, many) => {
        const userPolicies = new Map(viewers.map(({ policy }, index) => [`u${index}`, policy]));
        const opened = openHub({ slabs, maxLagBytes: 200_000, userPolicies, replayMs: 4000, many: { viewers: many, gatherMs: 6 } });
        opened.output.epoch(1, 0);
        const sinks = viewers.map(({ isStalled }, index) => {
          const sink = new ScriptedSink();
          opened.join(sink, { user: `u${index}`, form: v1Form });
          sink.isStalled = isStalled;
          return sink;
        });
        let next = 0;
        let epoch = 1;
        const ends = new Map<number, { first: number; next: number }>([[1, { first: 0, next: 0 }]]);
        for (const one of steps) {
          switch (one.do) {
            case 'data':
              for (let count = 0; count < one.count; count += 1) opened.send(next++, Buffer.alloc(one.size));
              break;
            case 'steady':
              for (let count = 0; count < one.count; count += 1) {
                opened.send(next++, 'steady');
                opened.turns.all();
                opened.timers.advance(5);
              }
              break;
            case 'gap':
              opened.output.gap(next, next + one.count - 1, 'timeout');
              next += one.count;
              break;
            case 'epoch':
              epoch += 1;
              next = one.next;
              opened.output.epoch(epoch, next);
              ends.set(epoch, { first: next, next });
              break;
            case 'settle':
              opened.timers.advance(one.ms);
              opened.turns.all();
              break;
            case 'stall': {
              const sink = sinks[one.viewer];
              if (sink !== undefined) sink.isStalled = one.isStalled;
              break;
            }
            case 'release':
              sinks[one.viewer]?.release();
              break;
          }
          ends.set(epoch, { first: ends.get(epoch)?.first ?? 0, next });
        }
        for (const sink of sinks) {
          sink.isStalled = false;
          sink.release();
        }
        opened.settle();
        opened.timers.advance(1000);
        opened.settle();
        expect(opened.budget.used).toBeLessThanOrEqual(slabs);
        for (const [index, sink] of sinks.entries()) {
          const account = opened.accounts.of(`s${index + 1}`);
          let expected = { epoch: 1, next: 0 };
          let packets = 0;
          for (const frame of framesOf(sink)) {
            if (frame.type === 'hello') expect(frame).toMatchObject({ epoch: 1, next: 0 });
            else if (frame.type === 'epoch') {
              expect(frame.epoch).toBe(expected.epoch + 1);
              expect(frame.next).toBe(ends.get(frame.epoch)?.first);
              expected = { epoch: frame.epoch, next: frame.next };
            } else if (frame.type === 'data') {
              expect([frame.epoch, frame.sequence]).toEqual([expected.epoch, expected.next]);
              expected.next += 1;
              packets += 1;
            } else if (frame.type === 'gap') {
              expect([frame.epoch, frame.from]).toEqual([expected.epoch, expected.next]);
              expected.next = frame.to + 1;
            }
          }
          expect(account.ranges).toEqual([...account.ranges].sort((one, other) => one.epoch - other.epoch || one.from - other.from));
          if (sink.state === 'open') {
            expect(account.packets).toBe(packets);
            expect(expected).toEqual({ epoch, next });
          } else expect(account.packets).toBeLessThanOrEqual(packets);
        }
      },
    ),
    { numRuns: 300 },
  );
});
