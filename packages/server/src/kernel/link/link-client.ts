import { Backoff } from '../async/backoff.ts';
import { sleep } from '../async/sleep.ts';
import { AppError, errorText, isAppError } from '../errors/app-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import { type StartTimer, systemTimer } from '../time/start-timer.ts';
import { type LinkAnswer, LinkConnection, type Question } from './link-connection.ts';

export interface LinkClientOptions {
  /** Of the socket. */
  readonly path: string;
  readonly token: string;
  /** For so long a lost owner is looked for. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly startTimer?: StartTimer;
  readonly logger: Logger;
  readonly onEvent: (port: string, event: unknown) => void;
  /** The connection is lost; called before the questions under way fail. */
  readonly onLost: () => void;
  /** Called once, when the owner was not found again. */
  readonly onGone: (error: AppError) => void;
}

const waits = { initialMs: 20, maxMs: 1000 };
/** For an owner that takes the connection and says nothing. */
const welcomeWithinMs = 5000;

/**
 * A link to the owner of the folder that outlives its connections:
 *
 *     connecting -> connected -> lost -> connected …      every question while it is lost is `ownerUnavailable`, at once
 *                             lost -> gone                after `retryMs`, or where the token is refused
 *     any -> closed
 */
export class LinkClient implements AsyncDisposable {
  readonly #options: LinkClientOptions;
  readonly #stop = new AbortController();
  #connection: LinkConnection | undefined;
  #lost = Promise.withResolvers<void>();
  #connected = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();

  private constructor(options: LinkClientOptions) {
    this.#options = options;
  }

  /** Settles once there is a connection. Rejects as `onGone` is told: `ownerUnavailable` after `retryMs`, `forbidden` for a wrong token. */
  static async open(options: LinkClientOptions): Promise<LinkClient> {
    const client = new LinkClient(options);
    await client.#connect();
    client.#start();
    return client;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Settles at the next moment with a connection, or at the end of the link. */
  async connected(): Promise<void> {
    if (this.#connection === undefined) await this.#connected.promise;
  }

  /** `ownerUnavailable` where there is no connection, and where it is lost before the answer: the owner may have done it then. */
  async ask(question: Question): Promise<LinkAnswer> {
    if (this.#connection === undefined)
      throw new AppError('ownerUnavailable', 'The process that holds the data folder does not answer; it is looked for.');
    return await this.#connection.ask(question);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#connection?.close();
    await this.#running;
    this.#connected.resolve();
  }

  #start(): void {
    this.#running = this.#stay();
  }

  async #stay(): Promise<void> {
    const { logger, onGone } = this.#options;
    for (;;) {
      await this.#lost.promise;
      if (this.#stop.signal.aborted) return;
      logger.warn({}, 'the process that holds the data folder is lost, and looked for');
      try {
        await this.#connect();
        logger.info({}, 'the process that holds the data folder is found again');
      } catch (error) {
        this.#connected.resolve();
        if (!this.#stop.signal.aborted)
          onGone(isAppError(error) ? error : new AppError('internalError', errorText(error), { cause: error }));
        return;
      }
    }
  }

  async #connect(): Promise<void> {
    const { clock, retryMs, startTimer = systemTimer } = this.#options;
    const until = clock.monotonic() + retryMs;
    const backoff = new Backoff({ ...waits, clock });
    for (;;) {
      try {
        await this.#connectOnce();
        return;
      } catch (error) {
        const leftMs = until - clock.monotonic();
        if (!isAppError(error, 'ownerUnavailable') || leftMs <= 0) throw error;
        if (!(await sleep(Math.min(leftMs, backoff.next()), this.#stop.signal, startTimer))) throw error;
      }
    }
  }

  async #connectOnce(): Promise<void> {
    const { path, token, onEvent, onLost, startTimer = systemTimer } = this.#options;
    const late = new AbortController();
    const cancelTimer = startTimer(welcomeWithinMs, () => late.abort());
    try {
      const lost = Promise.withResolvers<void>();
      let hasEnded = false;
      const connection = await LinkConnection.open({
        path,
        token,
        signal: AbortSignal.any([this.#stop.signal, late.signal]),
        onEvent,
        onEnd: () => {
          hasEnded = true;
          if (this.#lost === lost) {
            this.#connection = undefined;
            this.#connected = Promise.withResolvers();
            onLost();
          }
          lost.resolve();
        },
      });
      if (hasEnded) throw new AppError('ownerUnavailable', 'The process that holds the data folder closed the connection.');
      this.#lost = lost;
      this.#connection = connection;
      this.#connected.resolve();
    } finally {
      cancelTimer();
    }
  }
}
