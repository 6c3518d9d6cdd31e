import type { LogEngine, LogTopic, TopicSpec } from '../../engines/log/log-engine.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { CheckResult } from '../../kernel/observe/readiness.ts';

interface EventTopicOptions {
  readonly log: LogEngine;
  readonly spec: TopicSpec;
  readonly logger: Logger;
}

const lookMs = 5000;
const retryMs = { initialMs: 100, maxMs: 5000 };

/** The topic of the events as the log has it now: made where it is missing, and looked at again and again. */
export class EventTopic {
  readonly #options: EventTopicOptions;
  readonly #known = Promise.withResolvers<LogTopic>();
  readonly #looked = Promise.withResolvers<void>();
  #topic: LogTopic | undefined;
  #trouble: string | undefined = 'the log was not asked yet';

  constructor(options: EventTopicOptions) {
    this.#options = options;
  }

  /** As it was when the log answered last; undefined while it never did. */
  get current(): LogTopic | undefined {
    return this.#topic;
  }

  /** Settles when the log has answered for the first time. */
  get known(): Promise<LogTopic> {
    return this.#known.promise;
  }

  /** Settles when the log was asked once, whatever it said. */
  get looked(): Promise<void> {
    return this.#looked.promise;
  }

  /** Ready while the log answers. */
  check(): CheckResult {
    return this.#trouble === undefined ? { ready: true } : { ready: false, detail: this.#trouble };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { logger, spec } = this.#options;
    const backoff = new Backoff(retryMs);
    while (!signal.aborted) {
      let waitMs = lookMs;
      try {
        this.#take(await this.#look());
        backoff.reset();
      } catch (error) {
        if (this.#trouble !== errorText(error)) logger.warn({ topic: spec.name, error: errorText(error) }, 'the log does not answer');
        this.#trouble = errorText(error);
        waitMs = backoff.next();
      }
      this.#looked.resolve();
      await sleep(waitMs, signal);
    }
  }

  async #look(): Promise<LogTopic> {
    const { log, spec } = this.#options;
    return (await log.topic(spec.name)) ?? (await log.ensureTopic(spec));
  }

  #take(topic: LogTopic): void {
    const { logger } = this.#options;
    if (this.#topic?.id !== topic.id) logger.info({ topic: topic.name, id: topic.id, partitions: topic.partitions }, 'log set up');
    else if (this.#trouble !== undefined) logger.info({ topic: topic.name }, 'the log answers again');
    this.#topic = topic;
    this.#trouble = undefined;
    this.#known.resolve(topic);
  }
}
