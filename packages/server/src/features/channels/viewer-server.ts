import { createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from '../../kernel/codec/host-port.ts';
import { closeLingering } from '../../kernel/lifecycle/lingering-close.ts';
import { listen } from '../../kernel/lifecycle/listen.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import type { ChannelHub } from './channel-hub.ts';
import { AckLines } from './fanout/ack-lines.ts';
import { readFirstLine } from './fanout/first-line.ts';
import { type Handshake, parseHandshake } from './fanout/parse-handshake.ts';
import { type Connection, keyOf, readUnacknowledgedBytes } from './fanout/unacknowledged-bytes.ts';
import type { ViewerSession } from './fanout/viewer-session.ts';
import type { PromptSink } from './fanout/viewer-sink.ts';
import { type Refusal, refusalTexts, type ViewerAdmission } from './viewer-admission.ts';

export interface ViewerServerSettings {
  readonly handshakeTimeoutMs: number;
  readonly handshakeMaxBytes: number;
  /** `line`: who is turned away reads `ERR <code> <text>` first. */
  readonly handshakeErrors: 'silent' | 'line';
  /** Quiet connections are asked by the system whether they are still there, after this time. */
  readonly keepAliveMs: number;
}

export interface ViewerServerOptions {
  readonly hub: ChannelHub;
  readonly admission: ViewerAdmission;
  readonly settings: ViewerServerSettings;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
}

/** Connections that were refused with a line and are not closed by their viewers yet; further ones get no line. */
const maxLingering = 256;

/**
 * The TCP server of viewers: one line in, payload bytes out. Each connection is a session of the hub from its line on; what it sends
 * later is dropped, or read as acknowledgements.
 */
export class ViewerServer implements Part {
  readonly name = 'channels-tcp';
  readonly #options: ViewerServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new WeakMap<ViewerSession, Connection>();
  readonly #ended = Promise.withResolvers<void>();
  #asking: 'no' | 'yes' = 'no';
  #lingering = 0;

  constructor(options: ViewerServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: options.settings.keepAliveMs },
      (socket) => this.#accept(socket),
    );
    this.#ended.promise.catch(() => {});
    this.#server.on('error', (error) => this.#ended.reject(error));
    this.#server.once('close', () => this.#ended.resolve());
    options.hub.watchUntaken((sessions) => void this.#noteUntaken(sessions));
  }

  /** `portUnavailable` where the address cannot be had. */
  listen(at: HostPort): Promise<HostPort> {
    return listen(this.#server, { at, name: this.name });
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#options.admission.stop();
      this.#server.close();
      for (const socket of this.#sockets) socket.destroy();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await this.#ended.promise;
  }

  /** Who has not said its line by now is turned away. */
  async stopAccepting(): Promise<void> {
    this.#options.admission.stop();
    this.#server.close();
  }

  /** Ends every session of the hub, of other servers too: call it when nothing more is written to the hub. */
  drain(timeoutMs: number): Promise<void> {
    return this.#options.hub.drain(timeoutMs);
  }

  #accept(socket: Socket): void {
    const { admission } = this.#options;
    const peer = socket.remoteAddress ?? '';
    this.#sockets.add(socket);
    // What breaks is told by `close`, and by the callback of a write.
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    if (!admission.enter(peer)) {
      this.#refuse(socket, 'TOO_MANY_SESSIONS', 'Too many connections');
      return;
    }
    socket.once('close', () => admission.leave(peer));
    void this.#greet(socket);
  }

  async #greet(socket: Socket): Promise<void> {
    const { settings, startTimer, admission } = this.#options;
    const asking = new AbortController();
    let phase: 'reading' | 'asking' = 'reading';
    const stop = () => {
      if (phase === 'reading' && !socket.destroyed) this.#refuse(socket, 'SHUTTING_DOWN', refusalTexts.SHUTTING_DOWN);
      asking.abort();
    };
    const cancel = startTimer(settings.handshakeTimeoutMs, () => {
      if (phase === 'asking') stop();
      else this.#giveUp(socket, 'TIMED_OUT');
    });
    admission.stopping.addEventListener('abort', stop, { once: true });
    socket.once('close', stop);
    const first = await readFirstLine(socket, settings.handshakeMaxBytes);
    phase = 'asking';
    try {
      if (socket.destroyed) return;
      if (!first.ok && first.reason === 'gone') this.#giveUp(socket, 'GONE');
      else if (!first.ok) this.#refuse(socket, 'BAD_REQUEST', 'The line is too long');
      else await this.#admit(socket, { ...first, signal: asking.signal });
    } finally {
      cancel();
      admission.stopping.removeEventListener('abort', stop);
      socket.off('close', stop);
    }
  }

  async #admit(socket: Socket, { line, rest, isEnded, signal }: Greeting): Promise<void> {
    const parsed = parseHandshake(line);
    if (!parsed.ok) {
      this.#refuse(socket, 'BAD_REQUEST', parsed.reason);
      return;
    }
    const { handshake } = parsed;
    const { admission } = this.#options;
    const { user } = handshake;
    const refusal = await admission.admit(user, signal);
    if (refusal !== undefined) this.#refuse(socket, refusal, refusalTexts[refusal]);
    else if (socket.destroyed) {
      admission.dismiss(user);
      admission.failed('GONE');
    } else this.#join(socket, { handshake, rest, isEnded });
  }

  #join(socket: Socket, { handshake, rest, isEnded }: Admitted): void {
    const { hub, admission, logger } = this.#options;
    const { user } = handshake;
    const { remoteAddress = '', remotePort = 0, localPort = 0 } = socket;
    const session = hub.join({
      ...handshake,
      peer: `${remoteAddress}:${remotePort}`,
      sink: new SocketSink(socket),
    });
    this.#connections.set(session, { localPort, remoteAddress, remotePort });
    const { sessionId, channel } = session.options.identity;
    logger.debug({ session: sessionId, user, channel }, 'session opened');
    socket.once('close', () => {
      admission.dismiss(user);
      session.end('gone');
      logger.debug({ session: sessionId, user, channel, ...session.counts }, 'session closed');
    });
    if (handshake.withAck) {
      const acks = new AckLines((epoch, sequence) => session.acknowledged(epoch, sequence));
      acks.read(rest);
      socket.on('data', (chunk: Buffer) => acks.read(chunk));
    }
    if (isEnded) hub.halfClosed(session);
    else socket.once('end', () => hub.halfClosed(session));
    socket.resume();
  }

  #refuse(socket: Socket, code: Refusal, text: string): void {
    const { settings, admission, startTimer } = this.#options;
    if (socket.destroyed) return;
    admission.failed(code);
    if (settings.handshakeErrors === 'silent' || this.#lingering >= maxLingering) {
      socket.destroy();
      return;
    }
    this.#lingering += 1;
    socket.once('close', () => {
      this.#lingering -= 1;
    });
    closeLingering(socket, { text: `ERR ${code} ${text}\n`, startTimer });
  }

  #giveUp(socket: Socket, code: 'TIMED_OUT' | 'GONE'): void {
    this.#options.admission.failed(code);
    socket.destroy();
  }

  async #noteUntaken(sessions: readonly ViewerSession[]): Promise<void> {
    if (this.#asking === 'yes') return;
    this.#asking = 'yes';
    const queues = await readUnacknowledgedBytes();
    this.#asking = 'no';
    for (const session of sessions) {
      const connection = this.#connections.get(session);
      const bytes = connection && queues.get(keyOf(connection));
      if (bytes !== undefined) session.noteUntaken(bytes);
    }
  }
}

interface Greeting {
  readonly line: Buffer;
  readonly rest: Buffer;
  /** The viewer has ended its side with it. */
  readonly isEnded: boolean;
  readonly signal: AbortSignal;
}

interface Admitted {
  readonly handshake: Handshake;
  readonly rest: Buffer;
  readonly isEnded: boolean;
}

class SocketSink implements PromptSink {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void {
    this.#socket.write(bytes, onWritten);
  }

  /** Without a callback, which a stream keeps for a later turn. */
  writeAtOnce(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed) return false;
    socket.write(bytes);
    return socket.writableLength === 0 && socket.errored === null;
  }

  end(): void {
    closeLingering(this.#socket);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
