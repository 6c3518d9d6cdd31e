/**
 * One CSV row: every field between `"`, `"` doubled, `,` between fields, `\n` behind the last one. Nothing else is
 * touched: line breaks, U+0000 and bytes that are no UTF-8 stay as they are.
 *
 * Fields are gathered first, as views of what they are parts of, and written once into a buffer of the exact size. So
 * the row limit is judged before anything is copied, and no scratch memory outlives the row or mixes two records.
 */
export class CsvRow {
  readonly #fields: CsvField[] = [];
  #size = 0;

  /** Bytes of the row so far: fields with their quotes, and the separator or row end behind each. */
  get size(): number {
    return this.#size;
  }

  /** The bytes are read by `encode` and `values`; they must not change until then. */
  add(bytes: Uint8Array): void {
    const quotes = countQuotes(bytes);
    this.#fields.push({ bytes, quotes });
    this.#size += bytes.length + quotes + framingBytes;
  }

  /** At least one field. */
  encode(): Buffer {
    const row = Buffer.allocUnsafe(this.#size);
    let at = 0;
    for (const field of this.#fields) {
      row[at] = quote;
      at = writeField(field, row, at + 1);
      row[at] = quote;
      row[at + 1] = comma;
      at += 2;
    }
    row[at - 1] = lineFeed;
    return row;
  }

  /** The fields as text, bytes that are no UTF-8 as U+FFFD. */
  values(): string[] {
    return this.#fields.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  }
}

interface CsvField {
  readonly bytes: Uint8Array;
  /** How many of the bytes are quotes. */
  readonly quotes: number;
}

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;
/** Two quotes and what separates the field from the next. */
const framingBytes = 3;
/** From this distance between quotes on, native searches and block copies beat a loop over bytes. */
const sparseBytes = 64;

/** Where two quotes are close to each other, so many bytes are gone through one by one before the next far one is looked for. */
const denseBytes = 1024;

function countQuotes(bytes: Uint8Array): number {
  const { length } = bytes;
  let count = 0;
  let at = 0;
  while (length - at >= sparseBytes) {
    const next = bytes.indexOf(quote, at);
    if (next < 0) return count;
    if (next - at >= sparseBytes) {
      count += 1;
      at = next + 1;
    } else {
      const end = Math.min(length, next + denseBytes);
      count += countInLoop(bytes, next, end);
      at = end;
    }
  }
  return count + countInLoop(bytes, at, length);
}

function countInLoop(bytes: Uint8Array, from: number, end: number): number {
  let count = 0;
  for (let at = from; at < end; at += 1) if (bytes[at] === quote) count += 1;
  return count;
}

/** Writes the field with its quotes doubled; the position behind it. */
function writeField({ bytes, quotes }: CsvField, row: Buffer, start: number): number {
  const isSparse = bytes.length >= (quotes + 1) * sparseBytes;
  return isSparse ? writeBlocks({ bytes, quotes }, row, start) : writeBytes(bytes, row, start);
}

function writeBytes(bytes: Uint8Array, row: Buffer, start: number): number {
  const { length } = bytes;
  let at = start;
  for (let from = 0; from < length; from += 1) {
    const byte = bytes[from] ?? 0;
    row[at++] = byte;
    if (byte === quote) row[at++] = byte;
  }
  return at;
}

function writeBlocks({ bytes, quotes }: CsvField, row: Buffer, start: number): number {
  let at = start;
  let from = 0;
  for (let left = quotes; left > 0; left -= 1) {
    const behind = bytes.indexOf(quote, from) + 1;
    row.set(bytes.subarray(from, behind), at);
    at += behind - from;
    row[at++] = quote;
    from = behind;
  }
  row.set(bytes.subarray(from), at);
  return at + bytes.length - from;
}
