import { type LogRecord, maxRecordBytes, type RecordHeader, type StoredRecord } from '../../../engines/log/log-engine.ts';
import { payloadBytes } from '../../../engines/log/record-codec.ts';

/** Why a record is in no store: it is no event, the route's predicate has no value for it, no route takes it, or the store refuses it. */
export const deadReasons = ['invalid', 'failed', 'unmatched', 'rejected', 'expired'] as const;
export type DeadReason = (typeof deadReasons)[number];

export interface DeadLetter {
  readonly record: Pick<StoredRecord, 'offset' | 'timestampMs' | 'key' | 'value' | 'headers'>;
  readonly reason: DeadReason;
  /** For people. */
  readonly text: string;
}

interface LetterSource {
  readonly route: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

const maxTextLength = 1000;

/**
 * The record as it came, with headers that say where it stood and why it is here. Every route sends what it cannot store, and again after
 * a restart: readers drop repeats by (topic id, partition, offset). What would be too large with these headers is cut.
 */
export function encodeDeadLetter({ record, reason, text }: DeadLetter, { route, topic, topicId, partition }: LetterSource): LogRecord {
  const header = (name: string, value: string | number): RecordHeader => ({ name, value: Buffer.from(String(value)) });
  const added = [
    header('reason', reason),
    header('reason-text', text.slice(0, maxTextLength)),
    header('route', route),
    header('source-topic', topic),
    header('source-topic-id', topicId),
    header('source-partition', partition),
    header('source-offset', record.offset),
    header('source-timestamp', record.timestampMs),
  ];
  const { key, value } = record;
  const letter = { ...(key && { key }), value, headers: [...record.headers, ...added] };
  if (payloadBytes(letter) <= maxRecordBytes) return letter;
  const cut = [...added, header('source-bytes', payloadBytes({ ...letter, headers: record.headers }))];
  return { value: value?.subarray(0, maxRecordBytes - payloadBytes({ value: null, headers: cut })) ?? null, headers: cut };
}
