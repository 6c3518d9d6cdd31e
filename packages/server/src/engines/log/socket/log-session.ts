import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { PortCall, PortReply, PortSession } from '../../../kernel/link/port-session.ts';
import type { LogBatch, LogEngine, ReadQuery } from '../log-engine.ts';
import { type LogEvent, logQuestion } from './log-questions.ts';
import { ServedConsumer } from './served-consumer.ts';
import { decodePlain, encodeStored, plain, storedBytes } from './stored-records.ts';

/** Of the records of one answer: it fits a frame, whatever the limits of the reader are. One record always does. */
const maxAnswerBytes = 2 * 1024 * 1024;

/** The log of this process for one client of its engine socket. */
export class LogSession implements PortSession {
  readonly #log: LogEngine;
  readonly #notify: (event: LogEvent) => void;
  readonly #consumers = new Map<number, ServedConsumer>();
  readonly #end = new AbortController();

  constructor(log: LogEngine, notify: (event: LogEvent) => void) {
    this.#log = log;
    this.#notify = notify;
  }

  async answer(given: unknown, call: PortCall): Promise<PortReply> {
    const parsed = logQuestion.safeParse(given);
    if (!parsed.success) throw new AppError('badRequest', `The log was asked what it does not know: ${parsed.error.message}.`);
    const question = parsed.data;
    const log = this.#log;
    switch (question.type) {
      case 'ensureTopic':
        return { answer: await log.ensureTopic(question.spec) };
      case 'topic':
        return { answer: (await log.topic(question.name)) ?? null };
      case 'deleteTopic':
        await log.deleteTopic(question.name);
        return { answer: null };
      case 'offsets':
        return { answer: await log.offsets(question.topic) };
      case 'append':
        return { answer: await this.#append(question, call.bytes) };
      case 'read':
        return replyOf(await this.#read({ ...question, signal: call.signal }));
      case 'join':
        await this.#join(question);
        return { answer: null };
      case 'leave':
        await this.#leave(question.consumer);
        return { answer: null };
      case 'commit':
        return { answer: (await this.#consumers.get(question.consumer)?.commit(question.handle, question.offset)) ?? 'revoked' };
      case 'groupOffsets':
        return { answer: await log.groupOffsets(question.group, question.topic) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    for (const consumer of [...this.#consumers.keys()]) await this.#leave(consumer);
  }

  #append({ topic, partition, count }: { topic: string; partition: number; count: number }, bytes: Buffer) {
    return this.#log.append({ topic, partition, records: decoded(bytes, count).map(plain) });
  }

  async #read(query: ReadQuery): Promise<LogBatch> {
    const batch = await this.#log.read({ ...query, maxBytes: Math.min(query.maxBytes, maxAnswerBytes) });
    let bytes = 0;
    const cut = batch.records.findIndex((record, index) => {
      bytes += storedBytes(record);
      return index > 0 && bytes > maxAnswerBytes;
    });
    const next = batch.records[cut]?.offset;
    if (next === undefined) return batch;
    const unreadable = batch.unreadable.filter(({ begin }) => begin < next);
    return { ...batch, records: batch.records.slice(0, cut), nextOffset: next, unreadable };
  }

  async #join({ consumer, ...options }: { consumer: number; group: string; topics: readonly string[]; start: 'begin' | 'end' }) {
    const joined = new ServedConsumer(await this.#log.join(options), (event) => this.#notify({ consumer, ...event }));
    this.#consumers.set(consumer, joined);
    // The client may have gone meanwhile.
    if (this.#end.signal.aborted) await this.#leave(consumer);
  }

  async #leave(consumer: number): Promise<void> {
    const served = this.#consumers.get(consumer);
    this.#consumers.delete(consumer);
    await served?.[Symbol.asyncDispose]();
  }
}

function replyOf({ records, nextOffset, endOffset, unreadable }: LogBatch): PortReply {
  return { answer: { count: records.length, nextOffset, endOffset, unreadable }, bytes: encodeStored(records) };
}

function decoded(bytes: Buffer, count: number) {
  try {
    return decodePlain(bytes, count);
  } catch (error) {
    if (isAppError(error)) throw error;
    throw new AppError('badRequest', `Records cannot be read: ${errorText(error)}.`, { cause: error });
  }
}
