import type { Checkpoint } from '../kernel/observe/checkpoint.ts';

/** What the command line has of its process. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly checkpoint: Checkpoint;
}
