import { parseQuestion } from '../../../kernel/link/parse-question.ts';
import type { PortCall, PortReply, PortSession } from '../../../kernel/link/port-session.ts';
import type { SeriesBatch, SeriesStore } from '../series-store.ts';
import { decodeRows, encodeOffsets, encodeRows, rowBytes } from './number-rows.ts';
import { type SeriesQuestion, seriesQuestion } from './series-questions.ts';

/** A series of this process for one client of its engine socket. It holds nothing: what is under way aborts with the connection. */
export function seriesSession(store: SeriesStore): PortSession {
  return {
    answer: async (question, call) => await answer(store, parseQuestion(seriesQuestion, question), call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function answer(store: SeriesStore, question: SeriesQuestion, { bytes, signal }: PortCall): Promise<PortReply> {
  switch (question.type) {
    case 'ensureSchema':
      await store.ensureSchema(signal);
      return { answer: null };
    case 'readProgress':
      return { answer: (await store.readProgress(question.partition, signal)) ?? null };
    case 'write':
      return { answer: await store.write(batchOf(question, bytes), signal) };
    case 'readRepeats': {
      const { chunks, more } = await store.readRepeats(question, signal);
      const answer = { chunks: chunks.map((chunk) => ({ to: chunk.to, length: chunk.bytes.length })), more };
      return { answer, bytes: Buffer.concat(chunks.map((chunk) => chunk.bytes)) };
    }
    case 'readBuckets': {
      const buckets = await store.readBuckets(question, signal);
      return {
        answer: { count: buckets.length },
        bytes: encodeRows(buckets, ({ startMs, count, value }) => [startMs, count, value]),
      };
    }
    case 'countPoints':
      return { answer: await store.countPoints(signal) };
    case 'readOffsets':
      return { answer: null, bytes: encodeOffsets(await store.readOffsets(question, signal), question.fromOffset) };
    case 'readRetention':
      return { answer: (await store.readRetention(signal)) ?? null };
    case 'probe':
      await store.probe(signal);
      return { answer: null };
  }
}

function batchOf(
  { partition, from, to, count, forgetThrough }: Extract<SeriesQuestion, { readonly type: 'write' }>,
  bytes: Buffer,
): SeriesBatch {
  const end = rowBytes * count;
  const points = decodeRows(bytes.subarray(0, end), {
    count,
    // The text did not travel: an embedded series does not keep it.
    toValue: ([offset, timeMs, amount]) => ({ offset, timeMs, amount, amountText: String(amount) }),
  });
  return { partition, from, to, points, ...(forgetThrough !== undefined && { repeats: { chunk: bytes.subarray(end), forgetThrough } }) };
}
