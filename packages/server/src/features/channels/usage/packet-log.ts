import { maxWrittenRanges, type PacketRun, type UsageStore } from '../../../engines/usage/usage-store.ts';

interface PacketLogOptions {
  readonly store: UsageStore;
  readonly lost: (runs: number) => void;
}

/** Runs that wait for the store; further ones are lost. */
const maxWaiting = 20_000;

/** Runs of packets on their way to the log. It is for people who look for something: what the store does not take is lost, and counted. */
export class PacketLog {
  readonly #options: PacketLogOptions;
  #waiting: PacketRun[] = [];

  constructor(options: PacketLogOptions) {
    this.#options = options;
  }

  add(run: PacketRun): void {
    if (this.#waiting.length < maxWaiting) this.#waiting.push(run);
    else this.#options.lost(1);
  }

  async flush(signal: AbortSignal): Promise<void> {
    const runs = this.#waiting;
    this.#waiting = [];
    let written = 0;
    try {
      while (written < runs.length) {
        await this.#options.store.logPackets(runs.slice(written, written + maxWrittenRanges), signal);
        written += maxWrittenRanges;
      }
    } catch (error) {
      this.#options.lost(runs.length - written);
      throw error;
    }
  }
}
