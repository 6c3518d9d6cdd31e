import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { eager } from '../run/builtin.ts';
import { expectArray, expectInt, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { force, isItems, type Run, typeName, type Value } from '../run/value.ts';
import { decodeUtf8 } from '../text/utf8.ts';

function encode(value: Value, run: Run): string {
  const bytes = typeof value === 'string' ? textBytes(value, run) : arrayBytes(value, run);
  return bytes.toString('base64');
}

function textBytes(text: string, run: Run): Buffer {
  run.chargeCharacters(text.length * 2);
  const bytes = Buffer.from(text);
  if (bytes.length === text.length) return bytes;
  run.charge(text.length / 2);
  for (const character of text) checkByte(character.codePointAt(0) ?? 0);
  return bytes;
}

function checkByte(code: number): void {
  if (code < 0 || code > 255) {
    throw new Fault(`base64 encountered invalid codepoint value in the array (must be 0 <= X <= 255), got ${code}`);
  }
}

function arrayBytes(value: Value, run: Run): Buffer {
  if (!isItems(value)) throw new Fault(`base64 can only base64 encode strings / arrays of single bytes, got ${typeName(value)}`);
  run.chargeElements(value.length);
  return Buffer.from(
    value.map((item) => {
      const byte = force(item, run);
      if (typeof byte !== 'number' || (byte | 0) !== byte) {
        throw new Fault(`base64 encountered a non-integer value in the array, got ${typeName(byte)}`);
      }
      checkByte(byte);
      return byte;
    }),
  );
}

function decode(value: Value, run: Run): Buffer {
  if (typeof value !== 'string') throw new Fault(`base64DecodeBytes requires a string, got ${typeName(value)}`);
  run.chargeCharacters(value.length * 2);
  const length = Buffer.byteLength(value);
  if (length % 4 !== 0) throw new Fault(`input string appears not to be a base64 encoded string. Wrong length found (${length})`);
  const isPlain = canonical.test(value);
  if (!isPlain) run.charge(value.length / 2);
  const problem = isPlain ? -1 : firstProblem(value);
  if (problem >= 0) throw new Fault(`failed to decode: illegal base64 data at input byte ${problem}`);
  return Buffer.from(value, 'base64');
}

/** What needs no closer look. */
const canonical = /^[A-Za-z0-9+/]*={0,2}$/;

/** Where a decoder that skips line ends stops; -1 where it does not. */
function firstProblem(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\r' || character === '\n') continue;
    if (character === '=') return paddingProblem(text, at, count);
    if (!/[A-Za-z0-9+/]/.test(character)) return at;
    count += 1;
  }
  return count % 4 === 0 ? -1 : text.length - (count % 4);
}

function paddingProblem(text: string, at: number, count: number): number {
  const rest = text.slice(at).replace(/[\r\n]/g, '');
  const wanted = 4 - (count % 4);
  if (wanted > 2) return at;
  if (rest.length < wanted) return text.length;
  if (rest === '='.repeat(wanted)) return -1;
  return wanted === 2 && rest[1] !== '=' ? at : at + wanted;
}

/** What starting a hash costs. */
const stepsPerHash = 60;

/** `slowness` is how many times longer a byte takes than copying it. */
const hash = (algorithm: string, slowness: number) =>
  eager('s', ([value = null], run) => {
    const text = expectString(value);
    run.charge(stepsPerHash);
    run.chargeCharacters(Buffer.byteLength(text) * slowness);
    return createHash(algorithm).update(text).digest('hex');
  });

function decodeBytes(value: Value, run: Run): string {
  const items = expectArray(value);
  run.chargeElements(items.length);
  return decoded(
    Buffer.from(
      items.map((item) => {
        const byte = expectInt(force(item, run));
        if (byte < 0 || byte > 255) throw new Fault(`Bytes must be integers in range [0, 255], got ${byte}`);
        return byte;
      }),
    ),
    run,
  );
}

/** What is no UTF-8 is looked at byte by byte. */
function decoded(bytes: Buffer, run: Run): string {
  if (!isUtf8(bytes)) run.charge(bytes.length * 2);
  return decodeUtf8(bytes);
}

function bytesOf(bytes: Buffer, run: Run): readonly number[] {
  run.checkArray(bytes.length);
  const numbers = new Array<number>(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) numbers[index] = bytes[index] ?? 0;
  return numbers;
}

export const encodings = {
  base64: eager('input', ([value = null], run) => encode(value, run)),
  base64Decode: eager('str', ([value = null], run) => decoded(decode(value, run), run)),
  base64DecodeBytes: eager('str', ([value = null], run) => bytesOf(decode(value, run), run)),
  encodeUTF8: eager('str', ([value = null], run) => {
    const text = expectString(value);
    run.chargeCharacters(text.length * 3);
    return bytesOf(Buffer.from(text), run);
  }),
  decodeUTF8: eager('arr', ([value = null], run) => decodeBytes(value, run)),
  md5: hash('md5', 3),
  sha1: hash('sha1', 3),
  sha256: hash('sha256', 4),
  sha512: hash('sha512', 4),
  sha3: hash('sha3-512', 8),
};
