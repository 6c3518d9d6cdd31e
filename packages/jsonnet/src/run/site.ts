import { printRange, type SourceRange, type StackFrame } from '../jsonnet-error.ts';
import { rangeOf, type Source, type Span } from '../syntax/source.ts';

/** Surroundings of an expression as stack lines name them; a chain, printed only for an error. */
export class Surroundings {
  readonly #before: string;
  readonly #inner: Surroundings | undefined;
  readonly #after: string;

  constructor(before: string, inner?: Surroundings, after = '') {
    this.#before = before;
    this.#inner = inner;
    this.#after = after;
  }

  toString(): string {
    return this.#inner === undefined ? this.#before : `${this.#before}${this.#inner.toString()}${this.#after}`;
  }
}

/** One line of a stack: a place in a source, or words. */
export class Site {
  readonly source: Source | undefined;
  readonly #span: Span | undefined;
  readonly #words: string;
  readonly #context: Surroundings | string;

  private constructor(place: { source?: Source; span?: Span; words?: string }, context: Surroundings | string) {
    this.source = place.source;
    this.#span = place.span;
    this.#words = place.words ?? '';
    this.#context = context;
  }

  static inSource(source: Source, span: Span, context: Surroundings | undefined): Site {
    return new Site({ source, span }, context ?? '');
  }

  /** A line without a source, such as `During manifestation`. */
  static inWords(words: string, context = ''): Site {
    return new Site({ words }, context);
  }

  get range(): SourceRange | undefined {
    return this.source === undefined || this.#span === undefined ? undefined : rangeOf(this.source, this.#span);
  }

  frame(): StackFrame {
    const { range } = this;
    return { place: range === undefined ? this.#words : printRange(range), context: this.#context.toString() };
  }
}
