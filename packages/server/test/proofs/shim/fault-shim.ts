import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildShim } from './build-shim.ts';
import { type Call, readCallLog } from './call-log.ts';

export interface ShimOptions {
  /** Where log and rules lie; outside of `scope`. */
  readonly folder: string;
  /** Files and folders whose path contains this are observed. */
  readonly scope: string;
  /** What follows this text in a write, up to the next `"`, is logged as `text`. */
  readonly textBefore?: string;
}

/**
 * A fault: `<call> <action> <part of the path>`, where the part may be absent.
 *
 * Calls as in the log: `write`, `fsync`, `fdatasync`, `fsyncdir` (of a folder), `truncate`, `create`, `mkdir`, `rename`, `link`, `unlink`, `rmdir`.
 * Actions: `eio`, `enospc`, `exdev`, `erofs`, each for ever or `:<n>` times; `slow:<ms>` before the call; `short`: half of the
 * bytes are written; `enospc-after:<n>`: n bytes find room, over all matching files. Counts begin anew with each change of the rules.
 */
export type FaultRule = `${string} ${string}`;

/** The environment that puts a process under the shim, its log, and the faults, which change while the process runs. */
export class FaultShim {
  readonly env: Readonly<Record<string, string>>;
  readonly #log: string;
  readonly #rules: string;

  private constructor({ folder, scope, textBefore }: ShimOptions, library: string) {
    this.#log = join(folder, 'calls.log');
    this.#rules = join(folder, 'rules');
    this.env = {
      LD_PRELOAD: library,
      SHIM_SCOPE: scope,
      SHIM_LOG: this.#log,
      SHIM_RULES: this.#rules,
      ...(textBefore !== undefined && { SHIM_TEXT: textBefore }),
    };
  }

  static async open(options: ShimOptions): Promise<FaultShim> {
    const shim = new FaultShim(options, await buildShim());
    await shim.setFaults([]);
    return shim;
  }

  /** From the next call on; without a moment between the old rules and the new ones. */
  async setFaults(rules: readonly FaultRule[]): Promise<void> {
    const fresh = `${this.#rules}.fresh`;
    await writeFile(fresh, `${rules.join('\n')}\n`);
    await rename(fresh, this.#rules);
  }

  calls(): Promise<Call[]> {
    return readCallLog(this.#log);
  }
}
