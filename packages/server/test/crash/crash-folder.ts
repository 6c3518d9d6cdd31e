import { type ChildProcess, execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiClient } from '../support/api-client.ts';
import { type RunningSluice, type StartOptions, startSluice } from '../support/start-sluice.ts';
import { EventBook } from './event-book.ts';
import type { Kill } from './round-plan.ts';

export interface Arming {
  readonly kill: Kill;
  /** From the start of the process, not from `arm` on. */
  readonly fromStart: boolean;
}

/** What every process on a folder is, where it is not the usual one. */
type ServiceProgram = Pick<StartOptions, 'entry' | 'env'>;

const entry = fileURLToPath(new URL('./service-main.ts', import.meta.url));
/** Everything happens several times a second: rotation, import, and cleanup of what was imported a moment ago. */
const flags = [
  '--log-level=warn',
  '--storage-statistics-sync-interval=50ms',
  '--storage-level-staging-upload-min-interval=0s',
  '--storage-level-staging-upload-trigger-interval=150ms',
  '--storage-level-staging-upload-trigger-count=800',
  '--storage-level-target-import-min-interval=0s',
  '--storage-level-target-import-trigger-interval=300ms',
  '--storage-retention-data=200ms',
  '--storage-retention-record=400ms',
];
/** Each start takes the next: what the one before left is of another. */
const codecs = ['gzip', 'zstd', 'none'] as const;
const maxStartMs = 15_000;
const sourceId = 'crash';

/** A sink's table, and the values that its rows must have. */
export const tables = [
  { sinkId: 'whole', tableId: 'in.c-crash.whole', sql: '"in.c-crash".whole' },
  { sinkId: 'ids', tableId: 'in.c-crash.ids', sql: '"in.c-crash".ids' },
] as const;
const columns = {
  whole: [
    { type: 'uuid', name: 'uid' },
    { type: 'path', name: 'id', path: 'id', rawString: true },
    { type: 'path', name: 'size', path: 'size' },
    { type: 'path', name: 'pad', path: 'pad', rawString: true },
  ],
  ids: [
    { type: 'datetime', name: 'at' },
    { type: 'path', name: 'id', path: 'id', rawString: true },
  ],
} as const;

/** A data folder that outlives its service many times, and what the client knows of it. */
export class CrashFolder {
  readonly root: string;
  readonly book = new EventBook();
  /** Longest time from spawn to ready, ms. */
  slowestStartMs = 0;
  #sourcePath: string | undefined;
  readonly #errorLines: string[] = [];

  #starts = 0;
  readonly #work: string;
  readonly #program: ServiceProgram;

  constructor(work: string, firstRound: number, program: ServiceProgram = {}) {
    this.#work = work;
    this.#program = program;
    this.root = join(work, `from-round-${firstRound}`);
  }

  get dataDir(): string {
    return join(this.root, 'data');
  }

  /** Written by a process that dies at its named point. */
  get mark(): string {
    return join(this.root, 'died-at');
  }

  /** Lines of level error that any of the processes logged. */
  get errorLines(): readonly string[] {
    return this.#errorLines;
  }

  /** Starts the service and, the first time, makes source and sinks. Rejects where it is not ready in time. */
  async start(arming: Arming | undefined): Promise<RunningSluice> {
    await rm(this.mark, { force: true });
    const startedAt = performance.now();
    const service = await startSluice({
      dataDir: this.dataDir,
      entry: this.#program.entry ?? entry,
      flags: [...flags, `--storage-level-local-encoding-compression-type=${codecs[this.#starts++ % codecs.length]}`],
      env: this.#env(arming),
      onSpawn: (child) => limitStart(child, arming),
    });
    this.slowestStartMs = Math.max(this.slowestStartMs, performance.now() - startedAt);
    void service.exited.then(() =>
      this.#errorLines.push(
        ...service
          .log()
          .split('\n')
          .filter((line) => /"level":"(?:error|fatal)"/.test(line)),
      ),
    );
    try {
      this.#sourcePath ??= await configure(service);
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  sourceUrl(service: RunningSluice): URL {
    return new URL(this.#sourcePath ?? '', service.urls['source']);
  }

  #env(arming: Arming | undefined): Record<string, string> {
    const compiled = { ...this.#program.env, ...compileCache(this.#work) };
    if (arming?.kill.type !== 'point') return compiled;
    const { point, hit } = arming.kill;
    return { ...compiled, CRASH_POINT: point, CRASH_HIT: String(hit), CRASH_MARK: this.mark, CRASH_ARMED: arming.fromStart ? '1' : '0' };
  }
}

const compileCache = (work: string): Record<string, string> => ({ NODE_COMPILE_CACHE: join(work, 'compiled') });

/** Keeps the compiled code of the service in the folder: a process that is killed never keeps its own. */
export async function compileService(work: string): Promise<void> {
  await promisify(execFile)(process.execPath, [entry, '--help'], { env: { ...process.env, ...compileCache(work) } });
}

/** Kills a process that is to die while it starts, or that does not get ready. */
function limitStart(child: ChildProcess, arming: Arming | undefined): void {
  const isRandom = arming?.fromStart === true && arming.kill.type === 'random';
  const timer = setTimeout(() => child.kill('SIGKILL'), isRandom && arming.kill.type === 'random' ? arming.kill.afterMs : maxStartMs);
  child.once('exit', () => clearTimeout(timer));
  if (!isRandom) child.stdout?.once('data', () => clearTimeout(timer));
}

async function configure(service: RunningSluice): Promise<string> {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource(sourceId);
  for (const { sinkId, tableId } of tables) await api.createTableSink(sourceId, { sinkId, tableId, columns: columns[sinkId] });
  return new URL(url).pathname;
}
