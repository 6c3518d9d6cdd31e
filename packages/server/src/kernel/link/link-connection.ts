import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { PendingCalls } from '../async/pending-calls.ts';
import { AppError, errorText, isAppError } from '../errors/app-error.ts';
import { openSocketPath } from '../folder/socket-path.ts';
import { decodeFrame, FrameReader, maxFrameBytes, maxUnwrittenBytes, sendFrame, sendToken } from './frame.ts';
import { serverMessage } from './link-messages.ts';

export interface LinkAnswer {
  readonly answer: unknown;
  /** A view of the frame. */
  readonly bytes: Buffer;
}

export interface Question {
  readonly port: string;
  readonly question: unknown;
  readonly bytes?: Uint8Array;
  /** Its abort is passed on; the answer still comes. */
  readonly signal?: AbortSignal | undefined;
}

interface ConnectOptions {
  /** Of the socket. */
  readonly path: string;
  readonly token: string;
  /** Ends the attempt, and the connection. */
  readonly signal: AbortSignal;
  readonly onEvent: (port: string, event: unknown) => void;
  /** Called before the questions under way fail. */
  readonly onEnd: () => void;
}

/** One connection to the owner of the folder. Once it has ended every question is `ownerUnavailable`. */
export class LinkConnection {
  readonly #socket: Socket;
  readonly #options: ConnectOptions;
  readonly #reader = new FrameReader(maxFrameBytes);
  readonly #calls = new PendingCalls<LinkAnswer>();
  readonly #welcome = Promise.withResolvers<void>();

  private constructor(socket: Socket, options: ConnectOptions) {
    this.#socket = socket;
    this.#options = options;
    const abort = () => socket.destroy();
    if (options.signal.aborted) abort();
    else options.signal.addEventListener('abort', abort, { once: true });
    let reason = 'the connection was closed';
    socket.on('data', (chunk) => (typeof chunk === 'string' ? undefined : this.#receive(chunk)));
    socket.on('error', (error) => {
      reason = errorText(error);
    });
    socket.once('close', () => {
      options.signal.removeEventListener('abort', abort);
      this.#end(reason);
    });
  }

  /** Settles once the owner has taken the token: `forbidden` where it does not, `ownerUnavailable` where nobody answers. */
  static async open(options: ConnectOptions): Promise<LinkConnection> {
    await using folder = await openFolder(options.path);
    const socket = connect(folder.path);
    const connection = new LinkConnection(socket, options);
    socket.once('connect', () => sendToken(socket, options.token));
    await connection.#welcome.promise;
    return connection;
  }

  async ask({ port, question, bytes, signal }: Question): Promise<LinkAnswer> {
    if (this.#socket.writableLength > maxUnwrittenBytes)
      throw new AppError('overloaded', 'The process that holds the data folder is behind with what it was sent; repeat later.');
    const { id, answer } = this.#calls.begin();
    try {
      sendFrame(this.#socket, { id, port, question }, bytes);
    } catch (error) {
      this.#calls.fail(id, isAppError(error) ? error : new AppError('ownerUnavailable', errorText(error), { cause: error }));
    }
    const cancel = () => sendFrame(this.#socket, { cancel: id });
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  #receive(chunk: Buffer): void {
    try {
      for (const content of this.#reader.take(chunk)) this.#take(content);
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(errorText(error)));
    }
  }

  #take(content: Buffer): void {
    const { head, bytes } = decodeFrame(content);
    const message = serverMessage.parse(head);
    if ('welcome' in message) this.#welcome.resolve();
    else if ('port' in message) this.#options.onEvent(message.port, message.event);
    else if ('answer' in message) this.#calls.answer(message.id, { answer: message.answer, bytes });
    else if ('code' in message) {
      const error = new AppError(message.code, message.message);
      // The one that no question has says why there will be no welcome.
      if (message.id === 0) this.#welcome.reject(error);
      else this.#calls.fail(message.id, error);
    }
  }

  #end(reason: string): void {
    this.#options.onEnd();
    const error = new AppError('ownerUnavailable', `The process that holds the data folder does not answer: ${reason}.`);
    this.#calls.end(error);
    this.#welcome.reject(error);
  }
}

async function openFolder(path: string) {
  try {
    return await openSocketPath(dirname(path), basename(path));
  } catch (error) {
    throw new AppError('ownerUnavailable', `There is no socket ${path}: ${errorText(error)}.`, { cause: error });
  }
}
