import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGzipCodec } from './gzip-codec.ts';
import { decodeMemberHeader, encodeMemberHeader, headerLength, type MemberHeader, maxMemberLength } from './member-header.ts';

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

test('a header decodes to what was encoded, whatever stands behind it', () => {
  fc.assert(
    fc.property(headers, fc.uint8Array(), (header, behind) => {
      const bytes = encodeMemberHeader(header, nonce);
      expect(bytes.length).toBe(headerLength);
      expect(decodeMemberHeader(Buffer.concat([bytes, behind]), nonce)).toEqual({ header, length: headerLength });
    }),
  );
});

test('any single flipped bit is rejected, also with bytes behind the header', () => {
  fc.assert(
    fc.property(headers, fc.uint8Array({ maxLength: 300 }), (header, behind) => {
      const bytes = Buffer.concat([encodeMemberHeader(header, nonce), behind]);
      for (let bit = 0; bit < headerLength * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeMemberHeader(flipped, nonce), `bit ${bit}`).toBeUndefined();
      }
    }),
    { numRuns: 20 },
  );
});

test('a header that is cut anywhere is none', () => {
  const bytes = encodeMemberHeader(fc.sample(headers, { numRuns: 1, seed: 1 })[0]!, nonce);
  for (let length = 0; length < headerLength; length += 1) expect(decodeMemberHeader(bytes.subarray(0, length), nonce)).toBeUndefined();
});

test('a header of another part is none', () => {
  fc.assert(
    fc.property(headers, fc.uint8Array({ minLength: 8, maxLength: 8 }), (header, other) => {
      fc.pre(!nonce.equals(other));
      expect(decodeMemberHeader(encodeMemberHeader(header, Buffer.from(other)), nonce)).toBeUndefined();
    }),
  );
});

test('lengths that no member can have are not believed', () => {
  const [header] = fc.sample(headers, { numRuns: 1, seed: 2 });
  for (const memberLength of [0, headerLength - 1, maxMemberLength + 1]) {
    expect(decodeMemberHeader(encodeMemberHeader({ ...header!, memberLength }, nonce), nonce)).toBeUndefined();
  }
});

test('the codec gives back what it was given', () => {
  const codec = createGzipCodec();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (raw) => {
      expect(codec.decompress(codec.compress(raw)).equals(raw)).toBe(true);
    }),
  );
});

test('the codec says so where a flipped bit left the stream readable', () => {
  // Stored, not deflated: every bit of the text can be flipped without breaking the stream.
  const payload = createGzipCodec(0).compress(Buffer.from('"a","b"\n'));
  payload[7]! ^= 1;
  expect(() => createGzipCodec().decompress(payload)).toThrow('CRC-32');
});

test('header and payload make a member that gzip reads', () => {
  const raw = Buffer.from('"1","2"\n');
  const payload = createGzipCodec().compress(raw);
  const [header] = fc.sample(headers, { numRuns: 1, seed: 3 });
  const member = Buffer.concat([encodeMemberHeader({ ...header!, memberLength: headerLength + payload.length }, nonce), payload]);
  expect(gunzipSync(Buffer.concat([member, gzipSync(raw)])).toString()).toBe('"1","2"\n"1","2"\n');
});
