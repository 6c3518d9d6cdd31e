const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/**
 * The position behind the JSON value that begins at `from`, or -1 where the bytes end before it does. Only brackets and texts are looked
 * at: what is no JSON has an end, too, and whoever reads the value says so.
 */
export function endOfValue(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      at = endOfText(bytes, at + 1);
      if (at === -1) return -1;
      if (depth === 0) return at;
      continue;
    }
    if (isOpening(byte)) depth += 1;
    else if (isClosing(byte)) {
      // The bracket around the value, behind a number or word.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === comma || byte <= 0x20) && at > from) return at;
    at += 1;
  }
  return depth === 0 ? at : -1;
}

function endOfText(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === backslash) at += 1;
    else if (bytes[at] === quote) return at + 1;
  }
  return -1;
}

const isOpening = (byte: number): boolean => byte === 0x5b || byte === 0x7b;
const isClosing = (byte: number): boolean => byte === 0x5d || byte === 0x7d;
