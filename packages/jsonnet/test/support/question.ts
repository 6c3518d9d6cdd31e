type Texts = Readonly<Record<string, string>>;

/** A program and what it is given; one JSON line of the reference's input. */
export interface Question {
  /** Stands before positions in errors; none where it is empty. */
  readonly name: string;
  readonly code: string;
  readonly kind: 'json' | 'string' | 'multi' | 'stream';
  /** What imports find, by path. */
  readonly files?: Texts;
  readonly extStr?: Texts;
  readonly extCode?: Texts;
  readonly tlaStr?: Texts;
  readonly tlaCode?: Texts;
  readonly maxStack?: number;
  /** Frames that an error shows before those in the middle are cropped; without it all are shown. */
  readonly maxTrace?: number;
}

/** Either output or error; texts as the reference prints them. */
export interface Answer {
  readonly output?: string | readonly string[] | Texts;
  readonly error?: string;
  /** What std.trace wrote. */
  readonly trace: string;
}

/**
 * What both sides must agree on: the reference's frames inside its own standard library, and those without any text, have no
 * counterpart in a native one.
 */
export const comparable = (answer: Answer): Answer =>
  answer.error === undefined ? answer : { ...answer, error: answer.error.replaceAll(/^\t(<std>:.*|\t)\n/gm, '') };
