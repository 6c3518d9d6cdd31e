import { link, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Several times within the shortest life of a part. */
const intervalMs = 40;

/** Gives every part of a volume a second name, so that it can be read when the service has removed it: a full disk ends its retention. */
export class PartKeeper implements AsyncDisposable {
  readonly #volume: string;
  /** Folders and names as in the volume. */
  readonly folder: string;
  readonly #known = new Set<string>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(volume: string, folder: string) {
    this.#volume = volume;
    this.folder = folder;
    this.#watching = this.#watch();
  }

  /** Settles when every part that is there is kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await this.#look();
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#look();
      await sleep(intervalMs);
    }
  }

  async #look(): Promise<void> {
    // Folders go while they are read.
    const entries = await readdir(this.#volume, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const { name, parentPath } of entries) {
      const path = join(parentPath, name);
      if (!name.endsWith('.csv.gz') || this.#known.has(path)) continue;
      const kept = join(this.folder, relative(this.#volume, path));
      await mkdir(dirname(kept), { recursive: true });
      await link(path, kept).then(
        () => this.#known.add(path),
        () => undefined,
      );
    }
  }
}
