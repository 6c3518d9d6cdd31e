import type { LogEngine, LogTopic } from '../../../engines/log/log-engine.ts';
import { type DeadLetter, encodeDeadLetter } from './dead-letter.ts';
import type { Retry } from './retry.ts';

interface DeadLettersOptions {
  readonly log: LogEngine;
  /** Made with one partition when the first letter is sent, unless it is there. */
  readonly topic: string;
  readonly route: string;
}

/** Brings what can never be stored into a topic of its own, so that nothing waits behind it and nothing is lost. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  #topic: Promise<LogTopic> | undefined;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Settles once the letters are durable; tries for as long as `retry` does. */
  async send(letters: readonly DeadLetter[], from: { readonly topic: LogTopic; readonly partition: number }, retry: Retry): Promise<void> {
    const { log, route } = this.#options;
    const source = { route, topic: from.topic.name, topicId: from.topic.id, partition: from.partition };
    const records = letters.map((letter) => encodeDeadLetter(letter, source));
    await retry.run('The dead letters wait', async () => {
      try {
        this.#topic ??= log.ensureTopic({ name: this.#options.topic, partitions: 1 });
        const { name } = await this.#topic;
        await log.append({ topic: name, partition: 0, records });
      } catch (error) {
        // It may have been deleted.
        this.#topic = undefined;
        throw error;
      }
    });
  }
}
