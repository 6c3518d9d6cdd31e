/** A mistake that a change could make: one text of one source file, as it is when the test process loads the file. */
export interface PlantedText {
  readonly name: string;
  /** Below `packages/server/src`. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly text: string;
  readonly planted: string;
}
