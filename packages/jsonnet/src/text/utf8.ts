import { isUtf8 } from 'node:buffer';

/** Text of bytes; each byte that is no part of a character becomes one replacement character, as in Go. */
export function decodeUtf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const size = characterAt(bytes, at);
    text += size === 0 ? '\ufffd' : bytes.toString('utf8', at, at + size);
    at += Math.max(1, size);
  }
  return text;
}

/** Bytes of the character that begins here; 0 where none does. */
function characterAt(bytes: Buffer, at: number): number {
  const size = sizeOf(bytes[at] ?? 0);
  return size > 0 && at + size <= bytes.length && isUtf8(bytes.subarray(at, at + size)) ? size : 0;
}

function sizeOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}
