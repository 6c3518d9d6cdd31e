/** Where something stands: lines and columns count from 1, columns in UTF-8 bytes; `end` is after the last character. */
export interface SourceRange {
  /** Name of the source as positions print it; empty for an unnamed program. */
  readonly source: string;
  readonly begin: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

export interface StackFrame {
  /** The printed place: `file:1:2-3`, or words such as `During manifestation`; may be empty. */
  readonly place: string;
  /** The printed surroundings: `function <f>`; may be empty. */
  readonly context: string;
}

export type JsonnetErrorKind = 'lex' | 'parse' | 'static' | 'runtime' | 'budget';

export interface JsonnetErrorDetails {
  readonly kind: JsonnetErrorKind;
  readonly range?: SourceRange | undefined;
  readonly frames?: readonly StackFrame[];
  /** The lines of source that are shown below an error of kind `lex`, `parse` or `static`. */
  readonly code?: string;
}

/** The only error that compiling and evaluating throw. `message` has neither position nor stack. */
export class JsonnetError extends Error {
  readonly kind: JsonnetErrorKind;
  /** Where the program is wrong; absent at run time where no source stands for the place. */
  readonly range: SourceRange | undefined;
  /** Innermost first; empty before run time. */
  readonly frames: readonly StackFrame[];
  readonly #code: string | undefined;

  constructor(message: string, details: JsonnetErrorDetails) {
    super(message);
    this.name = 'JsonnetError';
    this.kind = details.kind;
    this.range = details.range;
    this.frames = details.frames ?? [];
    this.#code = details.code;
  }

  /** One line: `1:1-8 Unknown variable: x`, at run time `RUNTIME ERROR: message`. */
  get summary(): string {
    if (this.kind === 'runtime' || this.kind === 'budget') return `RUNTIME ERROR: ${this.message}`;
    return `${this.range === undefined ? '' : printRange(this.range)} ${this.message}`;
  }

  /**
   * The reference's text with its last newline (its command line prints one more): the summary and,
   * before run time, the lines of source; at run time a line for each frame, of which those in the middle become `...`
   * when there are more than `maxFrames`. With 0 all are printed.
   */
  format(maxFrames = 20): string {
    if (this.kind !== 'runtime' && this.kind !== 'budget') {
      return this.#code === undefined ? `${this.summary}\n\n` : `${this.summary}\n\n${this.#code}\n\n`;
    }
    const lines = this.frames.map((frame) => `\t${frame.place}\t${frame.context}\n`);
    if (maxFrames > 0 && lines.length > maxFrames) {
      const above = Math.floor(maxFrames / 2);
      lines.splice(above, lines.length - maxFrames, '\t...\n');
    }
    return `${this.summary}\n${lines.join('')}`;
  }
}

/** `file:1:2-3`, `file:1:2` for a point, `file:(1:2)-(3:4)` over lines; without `file:` where the source has no name. */
export function printRange({ source, begin, end }: SourceRange): string {
  const file = source === '' ? '' : `${source}:`;
  if (begin.line !== end.line) return `${file}(${begin.line}:${begin.column})-(${end.line}:${end.column})`;
  const point = `${file}${begin.line}:${begin.column}`;
  return begin.column === end.column ? point : `${point}-${end.column}`;
}
