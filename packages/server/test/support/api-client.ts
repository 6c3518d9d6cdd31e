import { setTimeout as sleep } from 'node:timers/promises';

export interface ApiClientOptions {
  readonly apiUrl: string;
  readonly token: string;
}

interface Task {
  readonly url: string;
  readonly isFinished: boolean;
  readonly status: string;
  readonly error?: string;
}

/** The configuration API as tests, benchmarks and the demo need it. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** The JSON answer; rejects with status and body from 400 on. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { apiUrl, token } = this.#options;
    const response = await fetch(new URL(path, apiUrl), {
      method,
      headers: { 'X-StorageApi-Token': token, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Starts a task and waits for its end. */
  async run(method: string, path: string, body?: unknown): Promise<void> {
    let task = await this.request<Task>(method, path, body);
    while (!task.isFinished) {
      await sleep(20);
      task = await this.request<Task>('GET', task.url);
    }
    if (task.status !== 'success') throw new Error(`${method} ${path}: ${task.error}`);
  }

  /** Creates an HTTP source and resolves to the URL that takes its events. */
  async createSource(sourceId: string): Promise<string> {
    await this.run('POST', '/v1/branches/default/sources', { sourceId, type: 'http', name: sourceId.slice(0, 40) });
    return this.sourceUrl(sourceId);
  }

  async sourceUrl(sourceId: string): Promise<string> {
    const source = await this.request<{ http: { url: string } }>('GET', `/v1/branches/default/sources/${sourceId}`);
    return source.http.url;
  }

  async createTableSink(
    sourceId: string,
    sink: { readonly sinkId: string; readonly tableId: string; readonly columns: readonly object[] },
  ): Promise<void> {
    await this.run('POST', `/v1/branches/default/sources/${sourceId}/sinks`, {
      sinkId: sink.sinkId,
      type: 'table',
      name: sink.sinkId.slice(0, 40),
      table: { type: 'keboola', tableId: sink.tableId, mapping: { columns: sink.columns } },
    });
  }
}
