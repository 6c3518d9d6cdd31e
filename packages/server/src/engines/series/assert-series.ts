import { AppError } from '../../kernel/errors/app-error.ts';
import {
  type BucketQuery,
  type LogPartition,
  maxBatchPoints,
  maxBuckets,
  maxEventTimeMs,
  maxOffsets,
  maxRepeatsChunkBytes,
  type OffsetsQuery,
  type SeriesBatch,
  type TimeWindow,
} from './series-store.ts';

const maxNameLength = 250;

/** What every adapter refuses before it talks to its store: all are bugs of the caller (`invariantBroken`). */
export function assertBatch({ partition, from, to, points, repeats }: SeriesBatch): void {
  assertPartition(partition);
  if (!isOffset(from) || !isOffset(to) || to <= from) broken(`A batch goes from ${from} to ${to}.`);
  if (points.length > maxBatchPoints) broken(`A batch has ${points.length} points.`);
  let next = from;
  for (const { offset, timeMs, amount } of points) {
    if (!isOffset(offset) || offset < next || offset >= to)
      broken(`A batch from ${from} to ${to} has the offset ${offset} behind ${next - 1}.`);
    if (!isTime(timeMs)) broken(`The point at offset ${offset} has the time ${timeMs}.`);
    if (!Number.isFinite(amount)) broken(`The point at offset ${offset} has the amount ${amount}.`);
    next = offset + 1;
  }
  if (repeats === undefined) return;
  if (repeats.chunk.length > maxRepeatsChunkBytes) broken(`A batch has ${repeats.chunk.length} bytes of repeats.`);
  if (!isOffset(repeats.forgetThrough) || repeats.forgetThrough > from)
    broken(`A batch from ${from} forgets through ${repeats.forgetThrough}.`);
}

export function assertPartition({ route, topicId, partition }: LogPartition): void {
  for (const name of [route, topicId]) {
    if (name === '' || name.length > maxNameLength || !name.isWellFormed() || name.includes('\0')) {
      broken(`"${name.slice(0, 100)}" is no route or topic id.`);
    }
  }
  if (!Number.isInteger(partition) || partition < 0 || partition > 0x7fff_ffff) broken(`There is no partition ${partition}.`);
}

export function assertBucketQuery({ window, stepMs }: BucketQuery): void {
  assertWindow(window);
  if (!Number.isInteger(stepMs) || stepMs < 1) broken(`A bucket has the length ${stepMs}.`);
  if ((window.toMs - window.fromMs) / stepMs > maxBuckets) broken(`A window has more than ${maxBuckets} buckets.`);
}

export function assertOffsetsQuery({ topicId, partition, window, fromOffset, toOffset }: OffsetsQuery): void {
  assertPartition({ route: 'any', topicId, partition });
  assertWindow(window);
  if (!isOffset(fromOffset) || !isOffset(toOffset) || fromOffset > toOffset || toOffset - fromOffset > maxOffsets) {
    broken(`Offsets are asked for from ${fromOffset} to ${toOffset}.`);
  }
}

function assertWindow({ fromMs, toMs }: TimeWindow): void {
  if (!isTime(fromMs) || !isTime(toMs) || fromMs > toMs) broken(`A window goes from ${fromMs} to ${toMs}.`);
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isTime(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maxEventTimeMs;
}

function broken(message: string): never {
  throw new AppError('invariantBroken', message);
}
