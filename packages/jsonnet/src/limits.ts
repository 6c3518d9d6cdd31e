/** What one evaluation may use; going over one is an error of kind `budget`. */
export interface Limits {
  /** Calls, operations, forced values and elements touched. */
  readonly steps: number;
  /** Nested calls and forced values; a call and the value that waits for it are two. */
  readonly frames: number;
  /** UTF-16 units of all text made for the result, which is its bytes where it is ASCII. */
  readonly outputBytes: number;
  /** Length of one array in elements, or of one string in UTF-16 units. */
  readonly length: number;
}

export const defaultLimits: Limits = { steps: 1_000_000, frames: 500, outputBytes: 8 * 1024 * 1024, length: 4_000_000 };
