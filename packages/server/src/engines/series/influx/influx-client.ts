import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { limitedText, networkReason } from '../../../kernel/http/fetched.ts';

export interface InfluxServer {
  /** `http` or `https`, without a path. */
  readonly url: string;
  readonly api: 'v1' | 'v2';
  /** Of 1.x: `user:password`. Empty: nobody is asked. */
  readonly token: string;
}

interface InfluxRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

interface InfluxAnswer {
  readonly status: number;
  readonly text: string;
  /** Of the header Retry-After, as it came. */
  readonly retryAfter: string | null;
}

const maxConnections = 4;
const maxWaiting = 100;
/** A million offsets, each in a line of its own. */
const maxAnswerBytes = 128 * 1024 * 1024;

/** Requests to one server, a few at a time. */
export class InfluxClient {
  readonly #server: InfluxServer;
  readonly #turns = new Semaphore({ permits: maxConnections, maxWaiting });

  constructor(server: InfluxServer) {
    this.#server = server;
  }

  /**
   * The answer, whatever its status; `seriesUnavailable` where there is none. Redirects are not followed: they would carry the token
   * to wherever they lead.
   */
  async request({ method, path, parameters, headers = {}, body, signal }: InfluxRequest): Promise<InfluxAnswer> {
    using _turn = await this.#turns.acquire(signal);
    const url = `${this.#server.url}${path}?${new URLSearchParams(parameters)}`;
    try {
      const init = { method, headers: { ...headers, ...this.#authorization() }, signal, redirect: 'manual' as const };
      const response = await fetch(url, body === undefined ? init : { ...init, body });
      const text = await limitedText(response, maxAnswerBytes);
      if (text === undefined) throw unavailable(`its answer is over ${maxAnswerBytes} bytes`);
      return { status: response.status, text: response.ok ? text : this.#redacted(text), retryAfter: response.headers.get('retry-after') };
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof AppError ? error : unavailable(networkReason(error), error);
    }
  }

  /** The text of an answer with status 200; errors for all others. */
  async ask(request: InfluxRequest): Promise<string> {
    const answer = await this.request(request);
    if (answer.status === 200) return answer.text;
    throw refused(answer);
  }

  /** Sentences of the server go into logs and dead letters; some quote what they were sent. */
  #redacted(text: string): string {
    const { api, token } = this.#server;
    const secret = api === 'v2' ? token : token.slice(token.indexOf(':') + 1);
    return secret === '' ? text : text.replaceAll(secret, '…');
  }

  #authorization(): Readonly<Record<string, string>> {
    const { api, token } = this.#server;
    if (token === '') return {};
    return { Authorization: api === 'v2' ? `Token ${token}` : `Basic ${Buffer.from(token).toString('base64')}` };
  }
}

/** The error of an answer that is no success: another server, token, bucket or request is needed, or the same once more. */
export function refused({ status, text }: InfluxAnswer): AppError {
  const mayPass = status === 408 || status === 429 || status >= 500;
  if (mayPass) return unavailable(statusText({ status, text }));
  return new AppError('seriesMismatch', `InfluxDB refuses what it is asked: ${statusText({ status, text })}.`);
}

/** One line with what the server says. */
export function statusText({ status, text }: Pick<InfluxAnswer, 'status' | 'text'>): string {
  return `status ${status}, ${sentenceOf(text)}`;
}

/** The error of 1.x is in `error`, that of 2.x in `message`. */
export function sentenceOf(text: string): string {
  const sentence = /"(?:error|message)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return (
    sentence
      .replaceAll(/\\(["\\])/g, '$1')
      .split('\n', 1)[0]
      ?.replace(/\.+$/, '')
      .slice(0, 500) || 'without a reason'
  );
}

function unavailable(reason: string, cause?: unknown): AppError {
  return new AppError('seriesUnavailable', `InfluxDB does not answer as it should: ${reason}.`, { cause });
}
