import { compressionsAlgorithmsByBitmask, crc32c } from '@platformatic/kafka';
import type { LogRecord, OffsetRange } from '../log-engine.ts';
import { type EncodedRecords, encodeRecords } from '../record-codec.ts';

/** Head of a record batch of magic 2, the only kind that brokers store since Kafka 4. */
const headBytes = 61;
const magic = 2;
const at = {
  length: 8,
  epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastDelta: 23,
  baseTime: 27,
  maxTime: 35,
  producer: 43,
  producerEpoch: 51,
  sequence: 53,
  count: 57,
};
/** Bytes before the length field ends. */
const lengthEnd = 12;
const compressionMask = 0b111;
const appendTimeFlag = 0b1000;
const transactionalFlag = 0b10000;
const controlFlag = 0b100000;

export interface ProducerMark {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of the first record, modulo 2^31. */
  readonly sequence: number;
}

/** The batch as a producer sends it; the broker stores it as one. */
export function encodeBatch(records: readonly LogRecord[], mark: ProducerMark, nowMs: number): Buffer {
  const batch = encodeRecords(records, headBytes);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - lengthEnd, at.length);
  batch.writeInt32BE(-1, at.epoch);
  batch.writeInt8(magic, at.magic);
  batch.writeInt16BE(0, at.attributes);
  batch.writeInt32BE(records.length - 1, at.lastDelta);
  batch.writeBigInt64BE(BigInt(nowMs), at.baseTime);
  batch.writeBigInt64BE(BigInt(nowMs), at.maxTime);
  batch.writeBigInt64BE(mark.producerId, at.producer);
  batch.writeInt16BE(mark.producerEpoch, at.producerEpoch);
  batch.writeInt32BE(mark.sequence, at.sequence);
  batch.writeInt32BE(records.length, at.count);
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc);
  return batch;
}

/** A transaction that was given up: records of this producer from the offset on, until its end mark. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface DecodedBatches {
  readonly rows: readonly EncodedRecords[];
  readonly unreadable: readonly OffsetRange[];
  /** Behind the last whole batch; undefined without one. */
  readonly nextOffset: number | undefined;
}

/**
 * The batches of a fetch; the last may be cut off. Control records and those of aborted transactions are left out.
 * A batch with a wrong checksum or an unknown form is unreadable.
 */
export function decodeBatches(bytes: Buffer, aborted: readonly AbortedTransaction[]): DecodedBatches {
  const rows: EncodedRecords[] = [];
  const unreadable: OffsetRange[] = [];
  const pending = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const open = new Set<bigint>();
  let nextOffset: number | undefined;
  for (let from = 0; from + headBytes <= bytes.length; ) {
    const end = from + lengthEnd + bytes.readInt32BE(from + at.length);
    if (end > bytes.length || end < from + headBytes) break;
    const batch = bytes.subarray(from, end);
    from = end;
    const baseOffset = Number(batch.readBigInt64BE(0));
    nextOffset = baseOffset + batch.readInt32BE(at.lastDelta) + 1;
    const attributes = batch.readInt16BE(at.attributes);
    const producerId = batch.readBigInt64BE(at.producer);
    while (pending[0] !== undefined && pending[0].firstOffset < nextOffset) open.add(pending.shift()?.producerId ?? -1n);
    if ((attributes & controlFlag) !== 0) {
      open.delete(producerId);
      continue;
    }
    if ((attributes & transactionalFlag) !== 0 && open.has(producerId)) continue;
    const row = rowOf(batch, { baseOffset, attributes });
    if (row === undefined) unreadable.push({ begin: baseOffset, end: nextOffset });
    else rows.push(row);
  }
  return { rows, unreadable, nextOffset };
}

interface BatchHead {
  readonly baseOffset: number;
  readonly attributes: number;
}

function rowOf(batch: Buffer, { baseOffset, attributes }: BatchHead): EncodedRecords | undefined {
  if (batch.readInt8(at.magic) !== magic || batch.readUInt32BE(at.crc) !== crc32c(batch.subarray(at.attributes))) return undefined;
  const records = decompressed(batch.subarray(headBytes), attributes & compressionMask);
  if (records === undefined) return undefined;
  const timestamp = (attributes & appendTimeFlag) === 0 ? at.baseTime : at.maxTime;
  return {
    bytes: records,
    count: batch.readInt32BE(at.count),
    baseOffset,
    timestampMs: Number(batch.readBigInt64BE(timestamp)),
    ...appendTime(attributes),
  };
}

/** Deltas of time do not count where the broker stamped the batch. */
function appendTime(attributes: number): { readonly ignoreTimeDeltas?: true } {
  return (attributes & appendTimeFlag) === 0 ? {} : { ignoreTimeDeltas: true };
}

function decompressed(bytes: Buffer, compression: number): Uint8Array | undefined {
  if (compression === 0) return bytes;
  try {
    return compressionsAlgorithmsByBitmask[compression]?.decompressSync(bytes);
  } catch {
    return undefined;
  }
}
