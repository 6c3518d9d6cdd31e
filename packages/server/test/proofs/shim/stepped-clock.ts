import { constants, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { buildShim } from './build-shim.ts';

/** A wall clock that steps under a running process; its monotonic clock and timers stay as they are. */
export class SteppedClock {
  /** Puts a process on this clock. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(file: string, library: string) {
    this.#file = file;
    this.env = { LD_PRELOAD: library, SHIM_CLOCK: file };
  }

  /** @param folder takes the file by which the processes hear of the steps */
  static async open(folder: string): Promise<SteppedClock> {
    const clock = new SteppedClock(join(folder, 'clock'), await buildShim());
    await clock.set(0);
    return clock;
  }

  /** From now on the processes are so much ahead of the machine's clock; negative: behind it. */
  async set(shiftMs: number): Promise<void> {
    const bytes = Buffer.alloc(8);
    if (endianness() === 'LE') bytes.writeBigInt64LE(BigInt(shiftMs));
    else bytes.writeBigInt64BE(BigInt(shiftMs));
    // In place and never shorter: the processes have the file mapped.
    await using file = await open(this.#file, constants.O_WRONLY | constants.O_CREAT, 0o600);
    await file.write(bytes, 0, bytes.length, 0);
  }
}
