import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecNames } from './block-codec.ts';
import { createCodec } from './create-codec.ts';
import { beginsHeader, decodeMemberHeader, encodeMemberHeader, headerLength, type MemberHeader, maxMemberLength } from './member-header.ts';

const nonce = Buffer.from('0123456789abcdef', 'hex');
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const headers: fc.Arbitrary<MemberHeader> = fc.record({
  flags: fc.integer({ min: 0, max: 255 }),
  sequence: uint32,
  memberLength: fc.integer({ min: headerLength, max: maxMemberLength }),
  rows: uint32,
  rawLength: uint32,
  payloadCrc: uint32,
  rowsBefore: fc.maxSafeNat(),
  firstAt: fc.maxSafeNat(),
  lastAt: fc.maxSafeNat(),
});

describe.each(['gzip', 'zstd'] as const)('a header of %s', (container) => {
  test('decodes to what was encoded, whatever stands behind it', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array(), (header, behind) => {
        const bytes = encodeMemberHeader(header, nonce, container);
        expect(bytes.length).toBe(headerLength);
        expect(decodeMemberHeader(Buffer.concat([bytes, behind]), nonce)).toEqual({ header, length: headerLength });
      }),
    );
  });

  test('any single flipped bit is rejected, also with bytes behind the header', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 300 }), (header, behind) => {
        const bytes = Buffer.concat([encodeMemberHeader(header, nonce, container), behind]);
        for (let bit = 0; bit < headerLength * 8; bit += 1) {
          const flipped = Buffer.from(bytes);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          expect(decodeMemberHeader(flipped, nonce), `bit ${bit}`).toBeUndefined();
        }
      }),
      { numRuns: 20 },
    );
  });

  test('that is cut anywhere is none', () => {
    const bytes = encodeMemberHeader(fc.sample(headers, { numRuns: 1, seed: 1 })[0]!, nonce, container);
    for (let length = 0; length < headerLength; length += 1) expect(decodeMemberHeader(bytes.subarray(0, length), nonce)).toBeUndefined();
  });

  test('of another part is none', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array({ minLength: 8, maxLength: 8 }), (header, other) => {
        fc.pre(!nonce.equals(other));
        expect(decodeMemberHeader(encodeMemberHeader(header, Buffer.from(other), container), nonce)).toBeUndefined();
      }),
    );
  });

  test('lengths that no member can have are not believed', () => {
    const [header] = fc.sample(headers, { numRuns: 1, seed: 2 });
    for (const memberLength of [0, headerLength - 1, maxMemberLength + 1]) {
      expect(decodeMemberHeader(encodeMemberHeader({ ...header!, memberLength }, nonce, container), nonce)).toBeUndefined();
    }
  });

  test('however little of it is there, it begins as one, and nothing else does', () => {
    const bytes = encodeMemberHeader(fc.sample(headers, { numRuns: 1, seed: 4 })[0]!, nonce, container);
    for (let length = 0; length <= headerLength; length += 1) expect(beginsHeader(bytes.subarray(0, length))).toBe(true);
    for (let bit = 0; bit < 80; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      for (const length of [10, 11, 12, headerLength]) expect(beginsHeader(flipped.subarray(0, length)), `bit ${bit}`).toBe(false);
    }
  });
});

describe.each(codecNames)('codec %s', (name) => {
  test('gives back what it was given, at every level', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 9 }), (raw, level) => {
        const payload = createCodec(name, level).compress(raw);
        expect(createCodec(name).decompress(payload).equals(raw)).toBe(true);
      }),
    );
    for (const length of [0xfffe, 0xffff, 0x10000, 0x1fffe, 0x1ffff, 1_000_000]) {
      const raw = Buffer.alloc(length, 'abc"\n');
      expect(createCodec(name).decompress(createCodec(name).compress(raw)).equals(raw), `${length} bytes`).toBe(true);
    }
  });

  test('says so where the payload is not what was written, cut or flipped at any place', () => {
    const codec = createCodec(name);
    const payload = codec.compress(Buffer.from(randomBytes(40).toString('hex')));
    for (let at = 0; at < payload.length; at += 1) {
      expect(() => codec.decompress(payload.subarray(0, at)), `cut at ${at}`).toThrow();
    }
    // The length at the end of gzip's trailer is checked by the header's.
    const checked = codec.container === 'gzip' ? payload.length - 4 : payload.length;
    const broken = Array.from({ length: checked }, (_, at) => {
      const flipped = Buffer.from(payload);
      flipped[at]! ^= 1;
      try {
        return codec.decompress(flipped).equals(codec.decompress(payload)) ? [] : [at];
      } catch {
        return [];
      }
    }).flat();
    expect(broken, 'flips that give other rows').toEqual([]);
  });

  test('header and payload make a member that the usual tools read among others', () => {
    const raw = Buffer.from('"1","2"\n');
    const codec = createCodec(name);
    const payload = codec.compress(raw);
    const [header] = fc.sample(headers, { numRuns: 1, seed: 3 });
    const member = Buffer.concat([
      encodeMemberHeader({ ...header!, memberLength: headerLength + payload.length }, nonce, codec.container),
      payload,
    ]);
    const text =
      codec.container === 'gzip'
        ? gunzipSync(Buffer.concat([member, gzipSync(raw), member]))
        : zstdDecompressSync(Buffer.concat([member, zstdCompressSync(raw), member]));
    expect(text.toString()).toBe('"1","2"\n'.repeat(3));
  });
});

test('none keeps the rows as they are, and costs little more than their bytes', () => {
  const raw = randomBytes(200_000);
  const payload = createCodec('none').compress(raw);
  expect(payload.length).toBe(raw.length + 4 * 5 + 8);
  expect(payload.subarray(5, 5 + 0xffff).equals(raw.subarray(0, 0xffff))).toBe(true);
});
