import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection on which a test writes what no HTTP client would. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    const wake = () => {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      wake();
    });
    // A reset shows as a connection that ended without the answer.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      wake();
    });
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), noDelay: true });
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  /** What came and was not taken by `answer`. */
  received(): string {
    return this.#received.toString('latin1');
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** The next answer, interim ones included; undefined where the connection ends without one. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const parsed = parseAnswer(this.#received);
      if (parsed) {
        this.#received = this.#received.subarray(parsed.length);
        return parsed.answer;
      }
      if (this.#isClosed) return undefined;
      await this.#wake.promise;
    }
  }

  /** All answers until the server ends the connection. */
  async answers(): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    for (let answer = await this.answer(); answer; answer = await this.answer()) answers.push(answer);
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    if (!this.#isClosed) await once(this.socket, 'close');
  }
}

/** Sends the bytes and takes all answers until the server ends the connection. */
export async function rawExchange(url: string, ...parts: readonly (string | Uint8Array)[]): Promise<RawAnswer[]> {
  await using connection = await RawConnection.open(url);
  for (const part of parts) connection.write(part);
  return await connection.answers();
}

/** The text of a request with Host and Content-Length. */
export function requestText(url: string, { method = 'POST', headers = [], body = '' }: RequestParts = {}): string {
  const { host, pathname, search } = new URL(url);
  const lines = [`${method} ${pathname}${search} HTTP/1.1`, `Host: ${host}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

interface RequestParts {
  readonly method?: string;
  /** Whole lines. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

function parseAnswer(bytes: Buffer): { answer: RawAnswer; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const from = end + 4;
  const to = from + Number(headers['content-length'] ?? 0);
  if (bytes.length < to) return undefined;
  const status = Number(statusLine.split(' ')[1]);
  return { answer: { status, headers, body: bytes.toString('utf8', from, to) }, length: to };
}
