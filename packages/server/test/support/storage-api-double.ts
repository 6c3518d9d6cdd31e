import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token as the stack knows it. */
export interface KnownToken {
  readonly token: string;
  readonly id: string;
  readonly description?: string | null;
  readonly isMasterToken: boolean;
  readonly projectId: number;
  readonly admin?: { readonly id: number; readonly name: string; readonly role: string | null };
  readonly branches?: readonly { readonly id: number; readonly isDefault: boolean }[];
}

/** What goes wrong with the answer to one path. */
export type Fault =
  | { readonly type: 'silence' }
  | { readonly type: 'reset' }
  /** The head and half of the body, and then nothing. */
  | { readonly type: 'half' }
  | { readonly type: 'answer'; readonly status: number; readonly text: string; readonly headers?: Readonly<Record<string, string>> };

/**
 * The Storage API as far as tokens go. It takes exactly the requests that a stack takes, and remembers what it would not:
 * `violations` must be empty at the end of a test.
 */
export class StorageApiDouble implements AsyncDisposable {
  readonly #server: Server;
  readonly #tokens = new Map<string, KnownToken>();
  readonly violations: string[] = [];
  /** Paths below `/v2/storage/`, in the order of their arrival. */
  readonly asked: string[] = [];
  fault: (path: string) => Fault | undefined = () => undefined;
  /** Requests at this moment, and the most that there ever were. */
  readonly load = { now: 0, most: 0 };

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<StorageApiDouble> {
    const server = createServer();
    const double = new StorageApiDouble(server);
    server.on('request', (request, response) => double.#take(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  add(token: KnownToken): void {
    this.#tokens.set(token.token, token);
  }

  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.load.now += 1;
    this.load.most = Math.max(this.load.most, this.load.now);
    response.on('close', () => {
      this.load.now -= 1;
    });
    const path = (request.url ?? '').replace(/^\/v2\/storage\//, '');
    this.asked.push(path);
    const violation = violationOf(request, path);
    if (violation !== undefined) this.violations.push(violation);
    const fault = this.fault(path);
    if (fault === undefined) this.#answer(request, response);
    else answerWrongly(fault, response);
  }

  #answer({ headers, url }: IncomingMessage, response: ServerResponse): void {
    const token = this.#tokens.get(String(headers['x-storageapi-token']));
    if (token === undefined) send(response, 401, refusal);
    else if (url?.endsWith('/tokens/verify') === true) send(response, 200, detailOf(token));
    else send(response, 200, branchesOf(token));
  }
}

const refusal = {
  error: 'Invalid access token',
  code: 'storage.tokenInvalid',
  exceptionId: 'keboola-connection-7f3d',
  status: 'error',
  context: {},
};

function violationOf({ method, headers, url }: IncomingMessage, path: string): string | undefined {
  const call = `${method} ${url}`;
  if (method !== 'GET') return `${call}: only GET is asked`;
  if (path !== 'tokens/verify' && path !== 'dev-branches') return `${call}: there is no such path`;
  if (!headers['x-storageapi-token']) return `${call}: a token is missing`;
  if (headers.accept !== 'application/json') return `${call}: accepts ${headers.accept}`;
  if (headers.authorization !== undefined || headers.cookie !== undefined) return `${call}: has credentials beside the token`;
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return `${call}: has a body`;
  return undefined;
}

/** With the token in it, as in the original. */
const detailOf = ({ token, id, description = null, isMasterToken, projectId, admin }: KnownToken): object => ({
  id,
  token,
  created: '2026-06-24T10:00:00+0200',
  refreshed: '2026-06-24T10:00:00+0200',
  description,
  uri: `https://connection.test/v2/storage/tokens/${id}`,
  isMasterToken,
  canManageBuckets: isMasterToken,
  isExpired: false,
  isDisabled: false,
  dailyCapacity: 0,
  bucketPermissions: { 'in.c-orders': 'manage' },
  owner: { id: projectId, name: 'A project', type: 'production', features: [] },
  organization: { id: '9' },
  ...(admin && { admin: { ...admin, features: [], isOrganizationMember: true } }),
});

const branchesOf = ({ branches = [{ id: 5678, isDefault: true }] }: KnownToken): object =>
  branches.map((branch) => ({ ...branch, name: `branch ${branch.id}`, description: '', created: '2026-06-24T10:00:00+0200' }));

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function answerWrongly(fault: Fault, response: ServerResponse): void {
  switch (fault.type) {
    case 'silence':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'half':
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 }).write('{"id":');
      return;
    case 'answer':
      response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers }).end(fault.text);
  }
}
