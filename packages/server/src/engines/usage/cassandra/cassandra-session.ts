import { type ArrayOrObject, Client, policies, type types } from 'cassandra-driver';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import { ensureSchema, type LegacyTables } from './cassandra-schema.ts';
import { type Consistency, consistencies } from './consistency.ts';

export interface CassandraOptions {
  readonly nodes: readonly string[];
  readonly dataCenter: string;
  readonly user: string;
  readonly password: string;
  readonly keyspace: string;
  readonly replicas: number;
  readonly consistency: Consistency;
  readonly timeoutMs: number;
}

/** A statement with its bound parameters. */
export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

interface Connected {
  readonly client: Client;
  readonly legacy: LegacyTables;
}

const maxRowsOfPage = 5000;
/** How often a node that is down is tried; the driver's own waits grow to ten minutes. */
const reconnectMs = 1000;

/**
 * The connection to a cluster, with the schema ensured: made at the first use, and anew after it could not be made.
 * All errors of the driver become `usageUnavailable`.
 */
export class CassandraSession {
  readonly #options: CassandraOptions;
  #connected: Promise<Connected> | undefined;
  #state: 'open' | 'closed' = 'open';

  constructor(options: CassandraOptions) {
    this.#options = options;
  }

  async legacy(): Promise<LegacyTables> {
    return (await this.#use()).legacy;
  }

  /** Rows of all pages. The statement must be idempotent: it is repeated where a node does not answer. */
  async rows({ query, params }: Statement): Promise<types.Row[]> {
    const found: types.Row[] = [];
    let pageState: string | undefined;
    do {
      const page = await this.#execute({ query, params }, pageState);
      found.push(...rowsOf(page));
      pageState = page.pageState;
    } while (hasText(pageState));
    return found;
  }

  /** One page of at most `limit` rows, and where the next one begins. */
  async page(statement: Statement, { after, limit }: { readonly after: string | undefined; readonly limit: number }) {
    const page = await this.#execute(statement, after, limit);
    return { rows: rowsOf(page), next: hasText(page.pageState) ? page.pageState : undefined };
  }

  /** All statements must be idempotent and of one partition: they are applied as one. */
  async batch(statements: readonly Statement[]): Promise<void> {
    const { client } = await this.#use();
    const queries = statements.map(({ query, params }) => ({ query, params: boundOf(params) }));
    await told(client.batch(queries, { logged: false, prepare: true, isIdempotent: true, counter: false }));
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    const connected = await this.#connected?.catch(() => undefined);
    await connected?.client.shutdown();
  }

  async #execute({ query, params }: Statement, pageState: string | undefined, fetchSize = maxRowsOfPage): Promise<types.ResultSet> {
    const { client } = await this.#use();
    const options = { prepare: true, isIdempotent: true, fetchSize, ...(pageState !== undefined && { pageState }) };
    return await told(client.execute(query, boundOf(params), options));
  }

  async #use(): Promise<Connected> {
    if (this.#state === 'closed') throw new AppError('usageUnavailable', 'The usage store is closed.');
    this.#connected ??= this.#connect();
    const connecting = this.#connected;
    try {
      return await connecting;
    } catch (error) {
      if (this.#connected === connecting) this.#connected = undefined;
      throw error;
    }
  }

  async #connect(): Promise<Connected> {
    const { nodes, dataCenter, user, password, consistency, timeoutMs } = this.#options;
    const client = new Client({
      contactPoints: [...nodes],
      localDataCenter: dataCenter,
      ...(user !== '' && { credentials: { username: user, password } }),
      queryOptions: { consistency: consistencies[consistency] },
      socketOptions: { connectTimeout: timeoutMs, readTimeout: timeoutMs },
      policies: { reconnection: new policies.reconnection.ConstantReconnectionPolicy(reconnectMs) },
      encoding: { useBigIntAsLong: true },
    });
    try {
      await told(client.connect());
      return { client, legacy: await told(ensureSchema(client, this.#options)) };
    } catch (error) {
      // A client that could not connect stays so.
      await client.shutdown().catch(() => undefined);
      throw error;
    }
  }
}

/** A statement that is no query has no rows, whatever the types of the driver say. */
const rowsOf = ({ rows }: { readonly rows: types.Row[] | undefined }): types.Row[] => rows ?? [];
const hasText = (text: string | null | undefined): text is string => typeof text === 'string' && text !== '';

/** The driver wants a list of its own. */
function boundOf(params: readonly unknown[]): ArrayOrObject {
  return [...params];
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isAppError(error)) throw error;
    throw new AppError('usageUnavailable', `Cassandra does not do it: ${reasonOf(error)}`, { cause: error });
  }
}

/** Where no host was reached the driver has a reason for each of them. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && 'innerErrors' in error ? error.innerErrors : undefined;
  if (typeof inner !== 'object' || inner === null) return errorText(error);
  const reasons = Object.entries(inner).map(([host, reason]) => `${host}: ${errorText(reason)}`);
  return reasons.length > 0 ? reasons.join('; ') : errorText(error);
}
