import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import type { ChannelHub, Joining } from './channel-hub.ts';
import { AckLines } from './fanout/ack-lines.ts';
import { type BrowserRequest, parseBrowserRequest } from './fanout/browser-request.ts';
import { sseForm, websocketForm } from './fanout/delivery-form.ts';
import type { ViewerSession } from './fanout/viewer-session.ts';
import type { ViewerSink } from './fanout/viewer-sink.ts';
import { type Refusal, refusalTexts, type ViewerAdmission } from './viewer-admission.ts';

interface BrowserViewersOptions {
  readonly hub: ChannelHub;
  readonly admission: ViewerAdmission;
  readonly startTimer: StartTimer;
  /** How often a quiet viewer is sent a sign of life: a comment, or a ping. */
  readonly heartbeatMs: number;
}

const statuses: Readonly<Record<Refusal, number>> = {
  BAD_REQUEST: 400,
  NOT_REGISTERED: 403,
  STORE_UNAVAILABLE: 503,
  TOO_MANY_SESSIONS: 429,
  SHUTTING_DOWN: 503,
};

/** What a viewer sends is at most an acknowledgement. */
const maxMessageBytes = 1024;
/** Time for a viewer to answer the end of a WebSocket. */
const closingMs = 2000;

/**
 * The channels over HTTP, for browsers: `?user=…&channel=…[&from=…]`, as WebSocket with a binary message for each frame of `frame=v1`,
 * or as server-sent events. Sessions are those of the hub. The caller picks the paths.
 */
export class BrowserViewers {
  readonly #options: BrowserViewersOptions;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  /** By session: says that the service is there. */
  readonly #heartbeats = new Map<ViewerSession, () => void>();
  #cancelBeat: (() => void) | undefined;

  constructor(options: BrowserViewersOptions) {
    this.#options = options;
  }

  /** To be called for `upgrade` of a server, after its path was looked at. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const refuse = (code: Refusal, text: string): void => {
      const body = refusalBody(code, text);
      const status = statuses[code];
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      socket.once('finish', () => socket.destroy());
    };
    void this.#admit(request, socket, { refuse, open: (asked, leave) => this.#openWebSocket({ request, socket, head, asked, leave }) });
  }

  /** Server-sent events; answers the request in any case. */
  handleSse(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {});
    const refuse = (code: Refusal, text: string): void => {
      response.writeHead(statuses[code], { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(refusalBody(code, text));
    };
    void this.#admit(request, response, { refuse, open: (asked, leave) => this.#openSse({ request, response, asked, leave }) });
  }

  async #admit(request: IncomingMessage, stream: Duplex | ServerResponse, { refuse, open }: Answers): Promise<void> {
    const { admission } = this.#options;
    const refused = (code: Refusal, text: string): void => {
      admission.failed(code);
      refuse(code, text);
    };
    const parsed = parseBrowserRequest(request);
    if (!parsed.ok) {
      refused('BAD_REQUEST', parsed.reason);
      return;
    }
    const peer = request.socket.remoteAddress ?? '';
    if (!admission.enter(peer)) {
      refused('TOO_MANY_SESSIONS', 'Too many connections');
      return;
    }
    stream.once('close', () => admission.leave(peer));
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    const refusal = await admission.admit(parsed.request.user, AbortSignal.any([gone.signal, admission.stopping]));
    if (refusal !== undefined) {
      refused(refusal, refusalTexts[refusal]);
    } else if (gone.signal.aborted) {
      admission.dismiss(parsed.request.user);
      admission.failed('GONE');
    } else open(parsed.request, () => admission.dismiss(parsed.request.user));
  }

  #openWebSocket({ request, socket, head, asked, leave }: WebSocketOpening): void {
    let session: ViewerSession | undefined;
    socket.once('close', () => {
      leave();
      session?.end('gone');
    });
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      // Whole messages, encoded once for all viewers: they go past the library, which writes nothing but control frames of its own.
      session = this.#join(request, {
        ...asked,
        form: websocketForm,
        sink: {
          write: (bytes, onWritten) => socket.write(bytes, onWritten),
          end: () => {
            webSocket.close(1000);
            const cancel = this.#options.startTimer(closingMs, () => webSocket.terminate());
            socket.once('close', cancel);
          },
          destroy: () => webSocket.terminate(),
        },
      });
      const current = session;
      this.#beat(current, () => webSocket.ping());
      if (!asked.withAck) return;
      const acks = new AckLines((epoch, sequence) => current.acknowledged(epoch, sequence));
      webSocket.on('message', (data) => acks.read(Buffer.concat([Buffer.isBuffer(data) ? data : Buffer.alloc(0), Buffer.from('\n')])));
    });
  }

  #openSse({ request, response, asked, leave }: SseOpening): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    const sink: ViewerSink = {
      write: (bytes, onWritten) => response.write(bytes, onWritten),
      end: () => response.end(),
      destroy: () => response.destroy(),
    };
    const session = this.#join(request, { ...asked, withAck: false, form: sseForm, sink });
    response.once('close', () => {
      leave();
      session.end('gone');
    });
    // The server goes on answering a client that has ended its side, which most have who are gone.
    const { hub } = this.#options;
    if (request.socket.readableEnded) hub.halfClosed(session);
    else request.socket.once('end', () => hub.halfClosed(session));
    this.#beat(session, () => response.write(':\n\n'));
  }

  #join(request: IncomingMessage, viewer: Omit<Joining, 'peer' | 'isAligned'>): ViewerSession {
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    return this.#options.hub.join({ ...viewer, isAligned: false, peer: `${remoteAddress}:${remotePort}` });
  }

  #beat(session: ViewerSession, say: () => void): void {
    this.#heartbeats.set(session, say);
    this.#startBeat();
  }

  #startBeat(): void {
    const { startTimer, heartbeatMs } = this.#options;
    this.#cancelBeat ??= startTimer(heartbeatMs, () => {
      this.#cancelBeat = undefined;
      for (const [session, say] of this.#heartbeats) {
        if (session.isEnded) this.#heartbeats.delete(session);
        else if (!session.isWriting && session.quietMs >= heartbeatMs / 2) say();
      }
      if (this.#heartbeats.size > 0) this.#startBeat();
    });
  }
}

interface Answers {
  readonly refuse: (code: Refusal, text: string) => void;
  /** `leave` is to be called once, at the end. */
  readonly open: (asked: BrowserRequest, leave: () => void) => void;
}

interface WebSocketOpening {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly asked: BrowserRequest;
  readonly leave: () => void;
}

interface SseOpening {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: BrowserRequest;
  readonly leave: () => void;
}

const refusalBody = (code: Refusal, text: string): string => `${JSON.stringify({ code, message: text })}\n`;
