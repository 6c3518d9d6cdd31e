import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { AppError, errorText, isAppError } from '../errors/app-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { StartTimer } from '../time/start-timer.ts';
import { decodeFrame, FrameReader, maxFrameBytes, maxUnwrittenBytes, sendFrame } from './frame.ts';
import { clientMessage } from './link-messages.ts';
import type { OpenPort, PortReply, PortSession } from './port-session.ts';

export interface LinkSessionOptions {
  readonly token: string;
  readonly ports: ReadonlyMap<string, OpenPort>;
  readonly logger: Logger;
  readonly startTimer: StartTimer;
}

const maxTokenBytes = 1024;
const tokenWithinMs = 10_000;
/** Questions of a connection that are not answered yet; one more gets `overloaded`. */
const maxCalls = 4096;
/** Unwritten bytes of answers at which no more questions are read. */
const pauseBytes = 8 * 1024 * 1024;

/** One client of the owner: its token first, then questions to ports until the connection ends. */
export class LinkSession {
  readonly #socket: Socket;
  readonly #options: LinkSessionOptions;
  readonly #reader = new FrameReader(maxTokenBytes);
  readonly #calls = new Map<number, AbortController>();
  readonly #sessions = new Map<string, Promise<PortSession>>();
  readonly #cancelTimer: () => void;
  #state: 'stranger' | 'known' = 'stranger';
  /** Settles when the connection has ended and all that it held is free. */
  readonly ended: Promise<void>;

  constructor(socket: Socket, options: LinkSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#cancelTimer = options.startTimer(tokenWithinMs, () => socket.destroy());
    socket.on('data', (chunk) => (typeof chunk === 'string' ? undefined : this.#receive(chunk)));
    socket.on('drain', () => socket.resume());
    // 'close' follows.
    socket.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    socket.once('close', () => {
      this.#cancelTimer();
      this.#free().then(resolve, resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const content of this.#reader.take(chunk)) {
        if (this.#socket.destroyed) return;
        if (this.#state === 'known') this.#take(content);
        else this.#recognize(content);
      }
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'engine socket: a client was cut off');
      this.#socket.destroy();
    }
  }

  #recognize(given: Buffer): void {
    if (!timingSafeEqual(digest(given), digest(this.#options.token))) {
      const message = 'The process that holds the data folder refuses the token: give engine.token as that process has it.';
      sendFrame(this.#socket, { id: 0, code: 'forbidden', message });
      this.#socket.destroySoon();
      return;
    }
    this.#state = 'known';
    this.#cancelTimer();
    this.#reader.maxBytes = maxFrameBytes;
    sendFrame(this.#socket, { welcome: true });
  }

  #take(content: Buffer): void {
    const { head, bytes } = decodeFrame(content);
    const message = clientMessage.safeParse(head);
    if (!message.success) throw new AppError('badRequest', `A client sent what is no message: ${message.error.message}.`);
    if ('cancel' in message.data) this.#calls.get(message.data.cancel)?.abort();
    else void this.#answer(message.data, bytes);
  }

  async #answer({ id, port, question }: { id: number; port: string; question?: unknown }, bytes: Buffer): Promise<void> {
    if (this.#calls.size >= maxCalls) {
      this.#fail(id, new AppError('overloaded', `${maxCalls} questions of this process wait already; repeat later.`));
      return;
    }
    const call = new AbortController();
    this.#calls.set(id, call);
    try {
      const session = await this.#session(port);
      const { answer, bytes: found }: PortReply = await session.answer(question, { bytes, signal: call.signal });
      this.#send({ id, answer }, found);
    } catch (error) {
      this.#fail(id, error);
    } finally {
      this.#calls.delete(id);
    }
  }

  #session(port: string): Promise<PortSession> {
    const open = this.#options.ports.get(port);
    if (!open) throw new AppError('endpointNotFound', `The process that holds the data folder does not serve ${port}.`);
    return this.#sessions.getOrInsertComputed(port, async () => {
      try {
        return await open((event) => this.#send({ port, event }));
      } catch (error) {
        this.#sessions.delete(port);
        throw error;
      }
    });
  }

  #fail(id: number, error: unknown): void {
    if (!isAppError(error)) this.#options.logger.error({ err: error }, 'engine socket: a question failed');
    this.#send({ id, code: isAppError(error) ? error.code : 'internalError', message: errorText(error) });
  }

  /** A client that reads nothing is asked nothing more, and cut off in the end. */
  #send(head: unknown, bytes?: Uint8Array): void {
    const socket = this.#socket;
    if (!socket.writable) return;
    sendFrame(socket, head, bytes);
    if (socket.writableLength > maxUnwrittenBytes) socket.destroy();
    else if (socket.writableLength > pauseBytes) socket.pause();
  }

  async #free(): Promise<void> {
    for (const call of this.#calls.values()) call.abort();
    for (const opening of this.#sessions.values()) {
      try {
        const session = await opening;
        await session[Symbol.asyncDispose]();
      } catch (error) {
        this.#options.logger.warn({ err: error }, 'engine socket: what a client held could not be freed');
      }
    }
  }
}

function digest(token: string | Buffer): Buffer {
  return createHash('sha256').update(token).digest();
}
