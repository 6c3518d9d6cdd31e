import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { DatabaseError, Pool, type PoolClient, type PoolConfig } from 'pg';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { postgresError } from './postgres-error.ts';

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `require`: encrypted, whoever answers. `verify`: the certificate must be of the host and of a known authority. */
  readonly tls: 'off' | 'require' | 'verify';
  /** PEM file of the authorities for `verify`; empty: those that Node knows. */
  readonly caFile: string;
}

interface PostgresConnectionsOptions {
  readonly server: PostgresServer;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
}

interface OpenedPool {
  readonly pool: Pool;
  /** Those that are not closed. */
  readonly sockets: ReadonlySet<Socket>;
}

const maxWaiting = 100;
/** A connection that failed is not tried again before; callers hear the reason meanwhile, at once. */
const reconnect = { initialMs: 100, maxMs: 2000, holdMs: 1000 };

/** A bounded pool. A connection is closed where its work was given up or has lost it; the next work gets a new one. */
export class PostgresConnections implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #clock: Clock;
  readonly #turns: Semaphore;
  readonly #backoff: Backoff;
  #failure: { readonly until: number; readonly error: AppError } | undefined;

  private constructor(opened: OpenedPool, { maxConnections, clock, random }: PostgresConnectionsOptions) {
    const { pool, sockets } = opened;
    this.#pool = pool;
    this.#sockets = sockets;
    this.#clock = clock;
    this.#turns = new Semaphore({ permits: maxConnections, maxWaiting });
    this.#backoff = new Backoff({ ...reconnect, clock, random });
    // What happens to idle connections is known to the next one who wants one; during work, to the work.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Connects with the first work. `configInvalid` where the file of authorities cannot be read. */
  static async open(options: PostgresConnectionsOptions): Promise<PostgresConnections> {
    const { server, maxConnections, timeoutMs } = options;
    const { host, port, user, password, database } = server;
    const sockets = new Set<Socket>();
    const config: PoolConfig = {
      stream: () => {
        const socket = new Socket();
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        return socket;
      },
      ...{ host, port, user, password, database },
      ssl: await tlsOptions(server),
      max: maxConnections,
      connectionTimeoutMillis: timeoutMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      application_name: 'sluice',
      // The server gives up, too: what nobody waits for any more must not hold the lock of a partition.
      statement_timeout: timeoutMs,
      idle_in_transaction_session_timeout: timeoutMs,
    };
    return new PostgresConnections({ pool: new Pool(config), sockets }, options);
  }

  /** Runs the work on a connection of its own. An abort closes the connection, so the server leaves what was not committed. */
  async use<T>(
    { what, signal }: { readonly what: string; readonly signal: AbortSignal },
    work: (client: PoolClient) => Promise<T>,
  ): Promise<T> {
    using _turn = await this.#turns.acquire(signal);
    const client = await this.#connect();
    let isGivenUp = false;
    const giveUp = (): void => {
      if (!isGivenUp) client.release(true);
      isGivenUp = true;
    };
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      return await work(client);
    } catch (error) {
      // After an error of the server the connection is as it should be; after any other nobody knows.
      if (!(error instanceof DatabaseError)) giveUp();
      throw postgresError(error, what);
    } finally {
      signal.removeEventListener('abort', giveUp);
      if (!isGivenUp) client.release();
    }
  }

  /** Does not wait for the server, which may have taken a connection and say nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#pool.end();
    for (const socket of this.#sockets) {
      if (socket.connecting) socket.destroy();
      // Behind the farewell.
      else socket.destroySoon();
    }
    await ended;
  }

  async #connect(): Promise<PoolClient> {
    if (this.#failure !== undefined && this.#clock.monotonic() < this.#failure.until) throw this.#failure.error;
    try {
      const client = await this.#pool.connect();
      this.#failure = undefined;
      this.#backoff.succeeded();
      return client;
    } catch (error) {
      const failure = postgresError(error, 'PostgreSQL cannot be reached');
      this.#failure = { until: this.#clock.monotonic() + this.#backoff.next(), error: failure };
      throw failure;
    }
  }
}

async function tlsOptions({ tls, caFile }: PostgresServer): Promise<ConnectionOptions | false> {
  if (tls === 'off') return false;
  if (tls === 'require') return { rejectUnauthorized: false };
  if (caFile === '') return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: await readFile(caFile, 'utf8') };
  } catch (error) {
    throw new AppError('configInvalid', `The file of certificate authorities cannot be read: ${errorText(error)}.`, { cause: error });
  }
}
