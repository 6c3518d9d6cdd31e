/** A long-running part of a process. */
export interface Part {
  readonly name: string;
  /** Works until the signal aborts. Ending or rejecting before the process stops is a failure that stops it. */
  run(signal: AbortSignal): Promise<void>;
  /** From now on no new work is taken; what was taken goes on. Settles soon. */
  stopAccepting?(): Promise<void>;
  /** Settles once all work that was taken is done; the shutdown goes on after `timeoutMs` in any case. */
  drain?(timeoutMs: number): Promise<void>;
}
