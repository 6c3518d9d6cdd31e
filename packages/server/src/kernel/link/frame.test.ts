import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrame, FrameReader } from './frame.ts';

const framed = (content: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};

test('frames are the same however the stream is cut', () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 });
  const property = fc.property(contents, fc.array(fc.nat({ max: 30 }), { minLength: 1 }), (frames, cuts) => {
    const stream = Buffer.concat(frames.map(framed));
    const reader = new FrameReader(50);
    const found: Buffer[] = [];
    for (let at = 0, index = 0; at < stream.length; index += 1) {
      const size = 1 + (cuts[index % cuts.length] ?? 0);
      found.push(...reader.take(stream.subarray(at, at + size)));
      at += size;
    }
    expect(found.map((content) => [...content])).toEqual(frames.map((content) => [...content]));
  });
  fc.assert(property);
});

test('a frame over the limit is refused by its length alone', () => {
  const reader = new FrameReader(10);
  expect([...reader.take(framed(Buffer.alloc(10)))]).toHaveLength(1);
  expect(() => [...reader.take(Buffer.of(0, 0, 0, 11))]).toThrow('11 bytes');
});

test.each([
  ['too short', Buffer.of(0, 0)],
  ['a head beyond the end', Buffer.of(0, 0, 0, 9, 0x7b, 0x7d)],
  ['no JSON', Buffer.of(0, 0, 0, 1, 0x7b)],
])('%s is no frame', (_what, content) => {
  expect(() => decodeFrame(content)).toThrow('A frame cannot be read');
});
