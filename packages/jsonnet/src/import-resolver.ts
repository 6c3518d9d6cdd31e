export interface ImportRequest {
  /** `path` of the importing source as the resolver gave it; the program's `path` option, or empty for a snippet. */
  readonly from: string;
  /** The text after `import`. */
  readonly path: string;
}

export interface ImportedSource {
  /** Where it was found: names it in error positions and in `from`, and is its identity in the cache of one evaluation. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Finds what `import`, `importstr` and `importbin` name; the message of what it throws becomes the evaluation's error. */
export type ImportResolver = (request: ImportRequest) => ImportedSource;
