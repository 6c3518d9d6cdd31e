import { AppError } from '../../kernel/errors/app-error.ts';
import { type AppendBatch, type LogTopic, maxRecordBytes, type TopicSpec } from './log-engine.ts';
import { encodedBytes, payloadBytes } from './record-codec.ts';

const topicPattern = /^[A-Za-z0-9._-]{1,249}$/;
const maxPartitions = 1000;

/** What every adapter refuses before it talks to its engine: bugs of the caller (`invariantBroken`). */
export function assertTopicSpec({ name, partitions }: TopicSpec): void {
  if (!topicPattern.test(name) || name === '.' || name === '..') {
    throw new AppError('invariantBroken', `"${name.slice(0, 300)}" is no name of a topic: 1 to 249 of A-Z a-z 0-9 . _ - are.`);
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new AppError('invariantBroken', `The topic ${name} was asked for with ${partitions} partitions, not 1 to ${maxPartitions}.`);
  }
}

export function assertPartition(topic: LogTopic, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return;
  throw new AppError('invariantBroken', `The topic ${topic.name} has ${topic.partitions} partitions, there is no partition ${partition}.`);
}

/** At least the bytes of all records together once they are encoded. `logRecordTooLarge` where one is over the limit. */
export function checkedBytes({ topic, records }: AppendBatch): number {
  let sum = 0;
  for (const record of records) {
    const bytes = payloadBytes(record);
    if (bytes > maxRecordBytes) {
      throw new AppError(
        'logRecordTooLarge',
        `A record for the topic ${topic} has ${bytes} bytes with key and headers; the log takes ${maxRecordBytes}.`,
      );
    }
    sum += encodedBytes(record);
  }
  return sum;
}

/** `logOffsetOutOfRange`, unless begin <= offset <= end. */
export function assertOffset({ name }: LogTopic, partition: number, asked: { offset: number; begin: number; end: number }): void {
  const { offset, begin, end } = asked;
  if (offset >= begin && offset <= end) return;
  const why = offset < begin ? 'its records are gone by retention' : 'the log has never had it, or has lost it';
  throw new AppError('logOffsetOutOfRange', `Offset ${offset} of partition ${partition} of ${name} is not in ${begin} to ${end}: ${why}.`);
}
