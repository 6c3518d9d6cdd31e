import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeV1 } from './frame-v1.ts';
import type { StreamFrame } from './stream-frame.ts';
import { BrokenFrames, V1Reader } from './v1-reader.ts';

const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const frame: fc.Arbitrary<StreamFrame> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), epoch: number, next: number }),
  fc.record({
    type: fc.constant('data' as const),
    epoch: number,
    sequence: number,
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({ type: fc.constant('gap' as const), epoch: number, from: number, to: number, reason: fc.nat(255) }),
  fc.record({ type: fc.constant('epoch' as const), epoch: number, next: number }),
  fc.record({ type: fc.constant('bye' as const), epoch: number, next: number, code: fc.constantFrom('SLOW', 'SHUTTING_DOWN') }),
);

describe('frame=v1', () => {
  test('is written as it is documented', () => {
    const bytes = Buffer.concat(encodeV1({ type: 'data', epoch: 2, sequence: 258, payload: Buffer.from('deadbe', 'hex') }));
    expect(bytes.toString('hex')).toBe('01' + '0000000000000002' + '0000000000000102' + '00000003' + 'deadbe');
    const gap = Buffer.concat(encodeV1({ type: 'gap', epoch: 1, from: 2 ** 40, to: 2 ** 40 + 1, reason: 4 }));
    expect(gap.toString('hex')).toBe('02' + '0000000000000001' + '0000010000000000' + '00000009' + '0000010000000001' + '04');
  });

  test('is read as it was written, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (frames, cuts) => {
        const bytes = Buffer.concat(frames.flatMap(encodeV1));
        const reader = new V1Reader(1000);
        const read: StreamFrame[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const end = at + (cuts[cut % cuts.length] ?? 1);
          for (const one of reader.read(bytes.subarray(at, end)))
            read.push(one.type === 'data' ? { ...one, payload: Buffer.from(one.payload) } : one);
          at = end;
        }
        expect(read).toEqual(frames);
        expect(reader.pendingBytes).toBe(0);
      }),
    );
  });

  test('what is no frame is refused before it is kept', () => {
    expect(() => [...new V1Reader(1000).read(Buffer.alloc(21, 0xff))]).toThrow(BrokenFrames);
    const unknown = Buffer.alloc(21);
    unknown[0] = 9;
    expect(() => [...new V1Reader(1000).read(unknown)]).toThrow('There is no frame of type 9.');
  });
});
