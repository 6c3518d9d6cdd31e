import { sleep } from '../../src/kernel/async/sleep.ts';
import { errorText } from '../../src/kernel/errors/app-error.ts';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { conservationProblems, type SinkTable } from './check-conservation.ts';

const intervalMs = 1000;

/** Asks a service under load for the conservation of rows, at once and then each second, until stopped or until the service ends. */
export class ConservationWatch implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #tables: readonly SinkTable[];
  readonly #stop = new AbortController();
  readonly #problems = new Set<string>();
  readonly #running: Promise<void>;

  /** @param tables as of `conservationProblems`; none where the tables cannot be asked all the time */
  constructor(dataDir: string, tables: readonly SinkTable[] = []) {
    this.#dataDir = dataDir;
    this.#tables = tables;
    this.#running = this.#run();
  }

  /** What was found wrong. */
  async stop(): Promise<string[]> {
    this.#stop.abort();
    await this.#running;
    return [...this.#problems];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    do {
      try {
        const problems = await conservationProblems(this.#dataDir, { tables: this.#tables });
        for (const problem of problems) this.#problems.add(problem);
      } catch (error) {
        if (!(await isRunning(this.#dataDir))) return;
        this.#problems.add(errorText(error));
      }
      await sleep(intervalMs, this.#stop.signal);
    } while (!this.#stop.signal.aborted);
  }
}

const isRunning = (dataDir: string): Promise<boolean> =>
  callAdmin(dataDir, 'status', {}).then(
    ({ running }) => running,
    () => false,
  );
