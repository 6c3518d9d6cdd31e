import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../support/api-client.ts';
import { type RunningSluice, startSluice } from '../../support/start-sluice.ts';
import { columnsOf } from './bench-event.ts';
import type { Target } from './compare.ts';

/** Nothing is rotated while a benchmark runs: its figures are those of the durable answer alone. */
export const withoutImport = ['--storage-level-staging-upload-min-interval=30m', '--storage-level-target-import-min-interval=24h'] as const;
/** Slices are uploaded and files are imported about every second. */
export const withImport = [
  '--storage-level-staging-upload-min-interval=0s',
  '--storage-level-staging-upload-trigger-interval=1s',
  '--storage-level-target-import-min-interval=0s',
  '--storage-level-target-import-trigger-interval=2s',
] as const;

/** A service of its own in a folder of its own, which goes with it. */
export class BenchService implements AsyncDisposable {
  readonly dataDir: string;
  readonly #service: RunningSluice;
  readonly #api: ApiClient;

  private constructor(dataDir: string, service: RunningSluice) {
    this.dataDir = dataDir;
    this.#service = service;
    this.#api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  }

  static async start(flags: readonly string[]): Promise<BenchService> {
    const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    try {
      return new BenchService(dataDir, await startSluice({ dataDir, flags: ['--log-level=warn', ...flags] }));
    } catch (error) {
      rmSync(dataDir, { recursive: true });
      throw error;
    }
  }

  get pid(): number {
    return this.#service.process.pid ?? 0;
  }

  /** Creates a source with tables behind it, of these columns or of that many. */
  async source(id: string, { sinks = 1, columns = 5 }: { sinks?: number; columns?: number | readonly object[] } = {}): Promise<Target> {
    const url = await this.#api.createSource(id);
    const chosen = typeof columns === 'number' ? columnsOf(columns) : columns;
    for (let index = 0; index < sinks; index += 1) {
      await this.#api.createTableSink(id, { sinkId: `s${index}`, tableId: `in.c-${id}.t${index}`, columns: chosen });
    }
    return { url, pid: this.pid };
  }

  async kill(): Promise<void> {
    this.#service.process.kill('SIGKILL');
    await this.#service.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
