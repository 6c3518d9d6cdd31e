import type { LogRecord, StoredHeader, StoredRecord } from './log-engine.ts';

/**
 * Records in Kafka's own form (records of a batch of magic 2, without the head of the batch), which the embedded log stores, too:
 * per record `length attributes timestampDelta offsetDelta key value headers`; all numbers are zigzag varints, length -1 is null.
 */
export interface EncodedRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Offset and timestamp to which the deltas are added. */
  readonly baseOffset: number;
  readonly timestampMs: number;
  /** Every record has the timestamp of the batch, whatever its delta says. */
  readonly ignoreTimeDeltas?: boolean;
}

/** What the form of a record, and of a header, takes at most. */
const recordFormBytes = 16;
const headerFormBytes = 8;

/** At least the bytes of the encoded record. */
export function encodedBytes(record: LogRecord): number {
  return payloadBytes(record) + recordFormBytes + headerFormBytes * (record.headers?.length ?? 0);
}

/** Bytes of a record that are the caller's own: key, value and headers. */
export function payloadBytes({ key, value, headers }: LogRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined) for (const header of headers) bytes += Buffer.byteLength(header.name) + header.value.length;
  return bytes;
}

/**
 * Record i gets the offset delta i and the timestamp of the batch. The memory is its own, so that it can be transferred.
 * The first `headBytes` of it are left for a head.
 */
export function encodeRecords(records: readonly LogRecord[], headBytes = 0): Buffer {
  const lengths = new Int32Array(records.length);
  let size = headBytes;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index];
    if (record === undefined) continue;
    const length = bodyLength(record, index);
    lengths[index] = length;
    size += varintLength(length) + length;
  }
  const out = new Writer(size, headBytes);
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index];
    if (record === undefined) continue;
    out.varint(lengths[index] ?? 0);
    out.record(record, index);
  }
  return out.bytes;
}

/**
 * Calls `visit` for each record in order until it answers false.
 * Throws a RangeError where the bytes are no records: a length leads beyond the end, or there are fewer than `count`.
 */
export function decodeRecords(batch: EncodedRecords, visit: (record: StoredRecord, payload: number) => boolean): void {
  const { bytes, count, baseOffset, timestampMs, ignoreTimeDeltas = false } = batch;
  const cursor = new Cursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  for (let index = 0; index < count; index += 1) {
    const end = cursor.varint() + cursor.at;
    // Attributes are unused.
    cursor.at += 1;
    const timeDelta = cursor.varint();
    const timestamp = ignoreTimeDeltas ? timestampMs : timestampMs + timeDelta;
    const offset = baseOffset + cursor.varint();
    const key = cursor.bytes();
    const value = cursor.bytes();
    const headers = cursor.headers();
    const payload = (key?.length ?? 0) + (value?.length ?? 0);
    if (cursor.at !== end) throw new RangeError('a record has another length than it says');
    if (!visit({ offset, timestampMs: timestamp, key, value, headers }, payload)) return;
  }
}

const noHeaders: readonly StoredHeader[] = [];

class Cursor {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  varint(): number {
    let byte = this.#byte();
    let value = byte & 0x7f;
    // Multiplication, because deltas of time may have more than 32 bits.
    for (let scale = 128; byte > 127; scale *= 128) {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    return length < 0 ? null : this.#take(length);
  }

  headers(): readonly StoredHeader[] {
    const count = this.varint();
    if (count === 0) return noHeaders;
    const headers: StoredHeader[] = [];
    for (let index = 0; index < count; index += 1) {
      const name = this.#take(this.varint()).toString();
      headers.push({ name, value: this.bytes() ?? Buffer.alloc(0) });
    }
    return headers;
  }

  #take(length: number): Buffer {
    const from = this.at;
    this.at += length;
    if (length < 0 || this.at > this.#bytes.length) throw new RangeError('a record leads beyond its batch');
    return this.#bytes.subarray(from, this.at);
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new RangeError('a batch ends within a record');
    this.at += 1;
    return byte;
  }
}

class Writer {
  readonly bytes: Buffer;
  #at: number;

  constructor(size: number, from: number) {
    this.#at = from;
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  record({ key, value, headers }: LogRecord, offsetDelta: number): void {
    this.bytes[this.#at++] = 0;
    this.varint(0);
    this.varint(offsetDelta);
    this.#field(key);
    this.#field(value);
    this.varint(headers?.length ?? 0);
    if (headers === undefined) return;
    for (const header of headers) {
      this.varint(Buffer.byteLength(header.name));
      this.#at += this.bytes.write(header.name, this.#at);
      this.#field(header.value);
    }
  }

  /** Of a number with at most 31 bits. */
  varint(value: number): void {
    let rest = zigzag(value);
    for (; rest > 127; rest >>>= 7) this.bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.bytes[this.#at++] = rest;
  }

  #field(value: Uint8Array | null | undefined): void {
    if (value === null || value === undefined) {
      this.varint(-1);
      return;
    }
    this.varint(value.length);
    this.bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

function bodyLength({ key, value, headers }: LogRecord, offsetDelta: number): number {
  let length = 2 + varintLength(offsetDelta) + fieldLength(key) + fieldLength(value) + varintLength(headers?.length ?? 0);
  if (headers !== undefined) {
    for (const header of headers) {
      const name = Buffer.byteLength(header.name);
      length += varintLength(name) + name + fieldLength(header.value);
    }
  }
  return length;
}

function fieldLength(value: Uint8Array | null | undefined): number {
  return value === null || value === undefined ? 1 : varintLength(value.length) + value.length;
}

function varintLength(value: number): number {
  const rest = zigzag(value);
  if (rest < 0x80) return 1;
  if (rest < 0x4000) return 2;
  if (rest < 0x200000) return 3;
  return rest < 0x10000000 ? 4 : 5;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
