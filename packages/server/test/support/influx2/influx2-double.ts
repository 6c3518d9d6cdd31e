import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { TlsFiles } from '../../../src/kernel/tls/tls-pair.ts';
import { answerFlux } from './flux-query.ts';
import { type ParsedLine, parseLine } from './strict-lines.ts';

interface Influx2Options {
  readonly org: string;
  readonly bucket: string;
  readonly token: string;
  /** 0: all is kept. */
  readonly retentionSeconds?: number;
  /** Whether the good lines of a request with a bad one are stored. */
  readonly storesPart?: boolean;
}

interface Reply {
  readonly status: number;
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the double was asked to write. */
interface WriteRequest {
  readonly headers: IncomingHttpHeaders;
  readonly lines: readonly string[];
}

const typeNames = { number: 'float', string: 'string', boolean: 'boolean' } as const;

/**
 * The part of the HTTP API of InfluxDB 2 that a series needs: writes, buckets and queries. It takes what the reference allows and
 * refuses everything else with its status codes. Disposing closes it.
 */
export class Influx2Double implements AsyncDisposable {
  readonly writes: WriteRequest[] = [];
  readonly #options: Required<Influx2Options>;
  readonly #points = new Map<string, ParsedLine>();
  readonly #types = new Map<string, string>();
  readonly #planned: Reply[] = [];
  readonly #tls: TlsFiles | undefined;
  readonly #server;

  private constructor(options: Influx2Options, tls?: TlsFiles) {
    this.#options = { retentionSeconds: 0, storesPart: false, ...options };
    this.#tls = tls;
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  static async open(options: Influx2Options, tls?: TlsFiles): Promise<Influx2Double> {
    const double = new Influx2Double(options, tls);
    await new Promise<void>((resolve) => double.#server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get url(): string {
    const address = this.#server.address();
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  /** Answers of the next writes, in place of its own. */
  plan(...replies: Reply[]): void {
    this.#planned.push(...replies);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body = '', headers = {} } = await this.#answer(request);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': typeof body === 'string' ? 'text/csv' : 'application/json', ...headers }).end(text);
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const body = await buffer(request);
    const url = new URL(request.url ?? '', 'http://double');
    if (request.headers.authorization !== `Token ${this.#options.token}`) return failure(401, 'unauthorized', 'unauthorized access');
    if (url.searchParams.get('org') !== this.#options.org) return failure(404, 'not found', 'organization not found');
    switch (`${request.method} ${url.pathname}`) {
      case 'POST /api/v2/write':
        return this.#write(request, { body, parameters: url.searchParams });
      case 'POST /api/v2/query':
        return this.#query(request, body.toString());
      case 'GET /api/v2/buckets':
        return this.#buckets(url.searchParams.get('name'));
      default:
        return failure(404, 'not found', 'path not found');
    }
  }

  #write({ headers }: IncomingMessage, { body, parameters }: { readonly body: Buffer; readonly parameters: URLSearchParams }): Reply {
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString();
    const lines = text.split('\n').filter((line) => line !== '');
    this.writes.push({ headers, lines });
    const planned = this.#planned.shift();
    if (planned !== undefined) return planned;
    if (parameters.get('bucket') !== this.#options.bucket)
      return failure(404, 'not found', `bucket "${parameters.get('bucket')}" not found`);
    if (parameters.get('precision') !== 'ns') return failure(400, 'invalid', 'invalid precision');
    const good: ParsedLine[] = [];
    let firstProblem: string | undefined;
    for (const line of lines) {
      try {
        good.push(parseLine(line));
      } catch (error) {
        firstProblem ??= error instanceof Error ? error.message : String(error);
      }
    }
    if (firstProblem !== undefined && !this.#options.storesPart) return failure(400, 'invalid', firstProblem);
    const dropped = this.#store(good);
    if (firstProblem !== undefined) return failure(400, 'invalid', `partial write: ${firstProblem}`);
    if (dropped === undefined) return { status: 204 };
    return failure(422, 'unprocessable entity', `failure writing points to database: partial write: ${dropped} dropped=1`);
  }

  /** Stores what can be stored; why some of it is not. */
  #store(points: readonly ParsedLine[]): string | undefined {
    const { retentionSeconds } = this.#options;
    const oldest = retentionSeconds === 0 ? undefined : BigInt(Date.now() - retentionSeconds * 1000) * 1_000_000n;
    let dropped: string | undefined;
    for (const point of points) {
      const conflict = this.#typeConflict(point);
      if (conflict !== undefined) dropped = conflict;
      else if (oldest !== undefined && point.time < oldest) dropped = 'points beyond retention policy';
      else this.#points.set(JSON.stringify([point.measurement, Object.entries(point.tags).toSorted(), String(point.time)]), point);
    }
    return dropped;
  }

  #typeConflict({ measurement, fields }: ParsedLine): string | undefined {
    for (const [field, value] of Object.entries(fields)) {
      const type = typeNames[typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'number'];
      const known = this.#types.get(`${measurement} ${field}`) ?? type;
      if (known !== type) {
        return `field type conflict: input field "${field}" on measurement "${measurement}" is type ${type}, already exists as type ${known}`;
      }
      this.#types.set(`${measurement} ${field}`, type);
    }
    return undefined;
  }

  #query({ headers }: IncomingMessage, script: string): Reply {
    if (headers['content-type'] !== 'application/vnd.flux') return failure(400, 'invalid', 'request body is not Flux');
    try {
      return { status: 200, body: answerFlux(script, { bucket: this.#options.bucket, points: [...this.#points.values()] }) };
    } catch (error) {
      return failure(400, 'invalid', `compilation failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #buckets(name: string | null): Reply {
    const { bucket, retentionSeconds } = this.#options;
    const retentionRules = retentionSeconds === 0 ? [] : [{ type: 'expire', everySeconds: retentionSeconds }];
    if (name !== bucket) return failure(404, 'not found', `bucket "${name}" not found`);
    return { status: 200, body: { buckets: [{ id: '0123456789abcdef', name: bucket, retentionRules }] } };
  }
}

function failure(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } };
}
