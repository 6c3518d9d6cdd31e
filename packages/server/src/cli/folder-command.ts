/** Options of every command on a data folder. */
export interface FolderOptions {
  readonly dataDir: string;
  readonly json?: boolean;
}

interface FolderRequest {
  readonly dataDir: string;
  readonly command: string;
  readonly input: unknown;
}

/** Runs an admin command on a data folder, by whoever holds it. */
export type Ask = (request: FolderRequest) => Promise<unknown>;

/** What such a command works with. */
export interface FolderTools {
  readonly ask: Ask;
  readonly out: (text: string) => void;
}
