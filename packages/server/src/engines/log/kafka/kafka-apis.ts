import { createAPI, produceV9, type Reader, ResponseError, Writer } from '@platformatic/kafka';
import type { AbortedTransaction } from './record-batch.ts';

/** The two requests that carry records, in forms that hand over whole batches; the client's own forms make objects of each record. */

export interface ProduceArguments {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
  /** How long the broker may wait for its replicas. */
  readonly timeoutMs: number;
}

/** Produce 9 of one batch, acknowledged by all replicas in sync. Throws the client's `ResponseError` with the broker's reason. */
export const produce = createAPI<[ProduceArguments], produceV9.ProduceResponse>(
  0,
  9,
  ({ topic, partition, batch, timeoutMs }: ProduceArguments) =>
    Writer.create()
      .appendString(null)
      .appendInt16(-1)
      .appendInt32(timeoutMs)
      .appendArray([topic], (topics, name) => {
        topics.appendString(name).appendArray([partition], (partitions, index) => {
          partitions
            .appendInt32(index)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch);
        });
      })
      .appendTaggedFields(),
  produceV9.parseResponse,
);

export interface FetchArguments {
  /** UUID as the client writes it. */
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

export interface Fetched {
  /** Offset behind the last record that is committed and on all replicas in sync. */
  readonly end: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Whole batches; the last may be cut off. */
  readonly records: Buffer;
}

const readCommitted = 1;

/** Fetch 13 (by topic id) of one partition, without a session. Throws the client's `ResponseError` with the broker's reason. */
export const fetch = createAPI<[FetchArguments], Fetched>(
  1,
  13,
  ({ topicId, partition, offset, maxBytes, maxWaitMs }: FetchArguments) =>
    Writer.create()
      .appendInt32(-1)
      .appendInt32(maxWaitMs)
      .appendInt32(1)
      .appendInt32(maxBytes)
      .appendInt8(readCommitted)
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray([partition], (topics, index) => {
        topics.appendUUID(topicId).appendArray([index], (partitions) => {
          partitions.appendInt32(index).appendInt32(-1).appendInt64(BigInt(offset)).appendInt32(-1).appendInt64(-1n).appendInt32(maxBytes);
        });
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields(),
  (...[, apiKey, apiVersion, reader]) => {
    reader.readInt32();
    const errorCode = reader.readInt16();
    if (errorCode !== 0) throw refusal(apiKey, apiVersion, errorCode);
    reader.readInt32();
    const [topic] = reader.readArray((topics) => {
      topics.readUUID();
      return topics.readArray((partitions) => readPartition(partitions, { apiKey, apiVersion }));
    });
    return topic?.[0] ?? { end: 0, aborted: [], records: Buffer.alloc(0) };
  },
);

function readPartition(reader: Reader, { apiKey, apiVersion }: { readonly apiKey: number; readonly apiVersion: number }): Fetched {
  reader.readInt32();
  const errorCode = reader.readInt16();
  if (errorCode !== 0) throw refusal(apiKey, apiVersion, errorCode);
  reader.readInt64();
  const end = Number(reader.readInt64());
  reader.readInt64();
  const aborted = reader.readNullableArray((transactions) => ({
    producerId: transactions.readInt64(),
    firstOffset: transactions.readInt64(),
  }));
  reader.readInt32();
  // Copied: the client reuses the memory that it received into.
  const records = Buffer.from(reader.readNullableBytes() ?? Buffer.alloc(0));
  return { end, aborted: aborted ?? [], records };
}

function refusal(apiKey: number, apiVersion: number, errorCode: number): ResponseError {
  return new ResponseError(apiKey, apiVersion, { '/': [errorCode, null] }, {});
}
