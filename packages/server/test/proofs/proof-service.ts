import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSink } from '@sluice/contract/operations';
import type { TaskAnswer } from '@sluice/contract/task';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient, tableSinkBody } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { type RunningSluice, type StartOptions, startSluice } from '../support/start-sluice.ts';
import { FaultShim } from './shim/fault-shim.ts';

/** Rotation and import several times a second; what was imported stays, so that the parts can be read at the end. */
const flags = [
  '--log-level=warn',
  '--storage-statistics-sync-interval=50ms',
  '--storage-level-staging-upload-min-interval=0s',
  '--storage-level-staging-upload-trigger-interval=200ms',
  '--storage-level-target-import-min-interval=0s',
  '--storage-level-target-import-trigger-interval=400ms',
  '--storage-retention-data=1h',
  '--storage-retention-record=1h',
];
const columns = [
  { type: 'uuid', name: 'uid' },
  { type: 'path', name: 'id', path: 'id', rawString: true },
  { type: 'path', name: 'pad', path: 'pad', rawString: true },
];
const statusSchema = z.object({
  sinks: z.array(
    z.object({
      sink: z.string(),
      rows: z.object({ local: z.int(), staged: z.int(), quarantined: z.int(), imported: z.int(), damaged: z.int() }),
      retryReasons: z.array(z.string()),
    }),
  ),
});
export type SinkState = z.infer<typeof statusSchema>['sinks'][number];

const tableIdOf = (sourceId: string, sinkId: string): string => `in.c-${sourceId}.${sinkId}`;

/** The id that an event's rows carry; nothing else in a row looks like it. */
export const eventId = (event: number): string => `e${event}z`;
export const eventPattern = /\be(\d+)z\b/g;

/** The real binary under the shim, on a data folder of its own that nothing is older than. */
export class ProofService implements AsyncDisposable {
  readonly dataDir: string;
  readonly shim: FaultShim;
  readonly #service: RunningSluice;
  readonly api: ApiClient;

  private constructor(service: RunningSluice, { dataDir, shim }: { dataDir: string; shim: FaultShim }) {
    this.#service = service;
    this.dataDir = dataDir;
    this.shim = shim;
    this.api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  }

  /** @param folder takes data folder, log and rules; where it has them already, the service goes on with its data */
  static async start(
    folder: string,
    { env = {}, flags: more = [], ...program }: Pick<StartOptions, 'entry' | 'env' | 'flags'> = {},
  ): Promise<ProofService> {
    const scope = join(folder, 'observed');
    const dataDir = join(scope, 'data');
    await mkdir(scope, { recursive: true });
    // Of a slice's record in metadata: the name of its staged object.
    const shim = await FaultShim.open({ folder, scope, textBefore: '"object":{"key":"' });
    return new ProofService(await startSluice({ dataDir, flags: [...flags, ...more], env: { ...env, ...shim.env }, ...program }), {
      dataDir,
      shim,
    });
  }

  get pid(): number {
    return this.#service.process.pid ?? 0;
  }

  /** The text that Prometheus scrapes. */
  async metrics(): Promise<string> {
    return (await fetch(new URL('/metrics', this.#service.urls['operations']))).text();
  }

  log(): string {
    return this.#service.log();
  }

  stop(): Promise<number | NodeJS.Signals> {
    return this.#service.stop();
  }

  async kill(): Promise<void> {
    this.#service.process.kill('SIGKILL');
    await this.#service.exited;
  }

  async createSource(sourceId: string): Promise<URL> {
    return new URL(await this.api.createSource(sourceId));
  }

  /** Rejects with the error's sentence where the task or the request for it fails. */
  createSink(sourceId: string, sinkId: string): Promise<void> {
    return this.api.createTableSink(sourceId, { sinkId, tableId: tableIdOf(sourceId, sinkId), columns });
  }

  /** Resolves to the task as soon as it has begun. */
  beginSink(sourceId: string, sinkId: string): Promise<TaskAnswer> {
    const body = tableSinkBody({ sinkId, tableId: tableIdOf(sourceId, sinkId), columns });
    return this.api.call(createSink, { params: { sourceId }, body });
  }

  /** The event of each row of the sink's table. */
  async eventsInTable(sourceId: string, sinkId: string): Promise<number[]> {
    const [row] = await queryRows(this.dataDir, `SELECT coalesce(list(id), []) FROM "in.c-${sourceId}"."${sinkId}"`);
    return z
      .array(z.string())
      .parse(row?.[0])
      .map((id) => Number(id.slice(1, -1)));
  }

  async sinkStates(): Promise<readonly SinkState[]> {
    const answer = await callAdmin(this.dataDir, 'status', {});
    if (!answer.running) throw new Error(`no service runs on ${this.dataDir}`);
    return statusSchema.parse(answer.output).sinks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }
}
