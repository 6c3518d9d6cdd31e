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
}

/** The only error that compiling and evaluating throw. `message` has neither position nor stack. */
export class JsonnetError extends Error {
  readonly kind: JsonnetErrorKind;
  /** Where the program is wrong; absent at run time where no source stands for the place. */
  readonly range: SourceRange | undefined;
  /** Innermost first; empty before run time. */
  readonly frames: readonly StackFrame[];

  constructor(message: string, details: JsonnetErrorDetails) {
    super(message);
    this.name = 'JsonnetError';
    this.kind = details.kind;
    this.range = details.range;
    this.frames = details.frames ?? [];
  }

  /**
   * The reference's text without a last newline: `1:1-8 Unknown variable: x` before run time,
   * else `RUNTIME ERROR: message` and a line for each frame. With more frames than `maxFrames`, those in the middle become `...`.
   */
  format(maxFrames = 20): string {
    if (this.kind === 'lex' || this.kind === 'parse' || this.kind === 'static') {
      return `${this.range ? printRange(this.range) : ''} ${this.message}`;
    }
    const lines = this.frames.map((frame) => `\t${frame.place}\t${frame.context}`);
    if (maxFrames > 0 && lines.length > maxFrames) {
      const above = Math.floor(maxFrames / 2);
      lines.splice(above, lines.length - maxFrames, '\t...');
    }
    return [`RUNTIME ERROR: ${this.message}`, ...lines].join('\n');
  }
}

/** `file:1:2-3`, `file:1:2` for a point, `file:(1:2)-(3:4)` over lines; without `file:` where the source has no name. */
export function printRange({ source, begin, end }: SourceRange): string {
  const file = source === '' ? '' : `${source}:`;
  if (begin.line !== end.line) return `${file}(${begin.line}:${begin.column})-(${end.line}:${end.column})`;
  const point = `${file}${begin.line}:${begin.column}`;
  return begin.column === end.column ? point : `${point}-${end.column}`;
}
