import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelNameOf, encodeFrame, type Frame } from './frame.ts';
import { FrameParser } from './frame-parser.ts';

interface Content {
  readonly channel: string;
  readonly sequence: number;
  readonly payload: string;
}

const zeros = new Uint8Array(5);
const magic = Buffer.from('53 4c 55 49 43'.replaceAll(' ', ''), 'hex');

function recorded({ maxPayloadBytes = 1024, magic: expected = new Uint8Array(0) }: { maxPayloadBytes?: number; magic?: Uint8Array } = {}) {
  const frames: Content[] = [];
  const onFrame = ({ channelId, sequence, bytes, start, end }: Frame) =>
    frames.push({ channel: channelNameOf(channelId), sequence, payload: Buffer.from(bytes.subarray(start, end)).toString('hex') });
  return { frames, parser: new FrameParser({ maxPayloadBytes, magic: expected, onFrame }) };
}

const encode = ({ channel, sequence, payload }: Content, prefix: Uint8Array = zeros) =>
  encodeFrame({ prefix, channel, sequence, payload: Buffer.from(payload, 'hex') });

const content = fc.record({
  channel: fc.constantFrom('zato01', 'zato02', 'c', 'news'),
  sequence: fc.oneof(fc.nat(1000), fc.maxSafeNat()),
  payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

/** The bytes in pieces that end where the cuts, taken in turn, say. */
function* pieces(bytes: Buffer, cuts: readonly number[]) {
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const end = at + (cuts[index % cuts.length] ?? bytes.length);
    yield bytes.subarray(at, end);
    at = end;
  }
}

test('reads the frame that is written down, byte for byte', () => {
  const bytes = Buffer.from('0000000000' + '7a61746f3031' + '0000000000000102' + '00000003' + 'deadbe', 'hex');
  const { frames, parser } = recorded();
  expect(parser.push(bytes, 0)).toBeUndefined();
  expect(frames).toEqual([{ channel: 'zato01', sequence: 258, payload: 'deadbe' }]);
  expect(encode({ channel: 'zato01', sequence: 258, payload: 'deadbe' })).toEqual(bytes);
});

test('chunks cut anywhere give the same frames', () => {
  const cuts = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }), fc.constant(4096)), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(content, { maxLength: 30 }), cuts, fc.boolean(), (contents, sizes, isMagic) => {
      const { frames, parser } = recorded(isMagic ? { magic } : {});
      const bytes = Buffer.concat(contents.map((one) => encode(one, isMagic ? magic : zeros)));
      for (const chunk of pieces(bytes, sizes)) expect(parser.push(Uint8Array.from(chunk), 0)).toBeUndefined();
      expect(frames).toEqual(contents);
      expect([parser.frames, parser.resyncs, parser.skippedBytes]).toEqual([contents.length, 0, 0]);
    }),
  );
});

test('garbage gives frames or a fault, the same for any cut, and never a payload over the limit', () => {
  const garbage = fc.uint8Array({ maxLength: 400 });
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 });
  // Small lengths, so that some of the garbage is frames.
  const frameLike = fc.tuple(fc.uint8Array({ minLength: 19, maxLength: 19 }), fc.nat(300)).map(([head, length]) => {
    const bytes = Buffer.alloc(23);
    bytes.set(head);
    bytes.writeUInt32BE(length, 19);
    return bytes;
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(garbage, frameLike), { maxLength: 10 }), cuts, fc.boolean(), (parts, sizes, isMagic) => {
      const bytes = Buffer.concat(parts);
      const options = { maxPayloadBytes: 256, ...(isMagic && { magic: Uint8Array.of(0) }) };
      const whole = recorded(options);
      const fault = whole.parser.push(bytes, 0);
      const cut = recorded(options);
      let cutFault: string | undefined;
      for (const chunk of pieces(bytes, sizes)) cutFault = cut.parser.push(chunk, 0);
      expect(cut.frames).toEqual(whole.frames);
      expect(cutFault).toBe(fault);
      if (isMagic) expect(fault).toBeUndefined();
      expect([cut.parser.outOfRange, cut.parser.skippedBytes]).toEqual([whole.parser.outOfRange, whole.parser.skippedBytes]);
      for (const { payload } of whole.frames) expect(payload.length / 2).toBeLessThanOrEqual(256);
    }),
  );
});

test('a payload over the limit is a fault, before any of it is kept, and nothing is read behind it', () => {
  const { frames, parser } = recorded({ maxPayloadBytes: 8 });
  const before = encode({ channel: 'a', sequence: 1, payload: '00'.repeat(8) });
  const over = encode({ channel: 'a', sequence: 2, payload: '00'.repeat(9) }).subarray(0, 23);
  expect(parser.push(Buffer.concat([before, over]), 0)).toBe('payloadTooLarge');
  expect(parser.push(before, 0)).toBe('payloadTooLarge');
  expect(frames).toHaveLength(1);
});

test('a number over 2^53-1 is dropped and counted, whole or cut, and the stream goes on', () => {
  const over = encode({ channel: 'a', sequence: 0, payload: '0102030405' });
  over.writeBigUInt64BE(2n ** 53n, 11);
  const last = { channel: 'a', sequence: Number.MAX_SAFE_INTEGER, payload: '06' };
  for (const size of [1000, 1, 25]) {
    const { frames, parser } = recorded();
    for (const chunk of pieces(Buffer.concat([over, encode(last)]), [size])) parser.push(chunk, 0);
    expect(frames).toEqual([last]);
    expect([parser.frames, parser.outOfRange]).toEqual([2, 1]);
  }
});

test('with a magic, damage costs the bytes to the next one, however the stream is cut', () => {
  const contents = [1, 2, 3].map((sequence) => ({ channel: 'zato01', sequence, payload: '4242' }));
  const [first, second, third] = contents.map((one) => encode(one, magic));
  const damaged = Buffer.concat([first!, Buffer.from('garbage, and a begin: SLU'), second!, third!.subarray(3), first!]);
  for (const size of [1, 7, 22, 23, 24, 1000]) {
    const { frames, parser } = recorded({ magic });
    for (const chunk of pieces(damaged, [size])) expect(parser.push(chunk, 0)).toBeUndefined();
    expect(frames.map(({ sequence }) => sequence)).toEqual([1, 2, 1]);
    expect([parser.resyncs, parser.skippedBytes]).toEqual([2, 25 + 22]);
  }
});

test('a frame with the magic whose length cannot be is passed over', () => {
  const wrong = encode({ channel: 'a', sequence: 1, payload: '' }, magic);
  wrong.writeUInt32BE(2 ** 32 - 1, 19);
  const { frames, parser } = recorded({ magic });
  expect(parser.push(Buffer.concat([wrong, encode({ channel: 'a', sequence: 2, payload: '' }, magic)]), 0)).toBeUndefined();
  expect(frames.map(({ sequence }) => sequence)).toEqual([2]);
});

test('the newest prefix can be read', () => {
  const { parser } = recorded();
  parser.push(encode({ channel: 'a', sequence: 1, payload: '' }, Uint8Array.of(0, 1, 2, 254, 255)), 0);
  expect(parser.lastPrefix).toBe('000102feff');
});

test.each([
  ['7a61746f3031', 'zato01'],
  ['610000000000', 'a'],
  ['612020200020', 'a'],
  ['ff61746f3031', 'ff61746f3031'],
  ['612062632020', '612062630000'],
  ['202020202020', '000000000000'],
  ['000000000000', '000000000000'],
])('the channel %s is called %s', (hex, name) => {
  expect(channelNameOf(Number.parseInt(hex, 16))).toBe(name);
});
