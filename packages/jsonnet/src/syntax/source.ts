import { JsonnetError, type JsonnetErrorKind, type SourceRange } from '../jsonnet-error.ts';

/** A text and what it is called. */
export interface Source {
  /** In positions; may be empty. */
  readonly name: string;
  /** For `std.thisFile` and relative imports; may be empty. */
  readonly path: string;
  readonly text: string;
}

/** Offsets in the text of a source, in UTF-16 units. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

export function rangeOf(source: Source, span: Span): SourceRange {
  return { source: source.name, begin: positionOf(source.text, span.begin), end: positionOf(source.text, span.end) };
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: Buffer.byteLength(before.slice(start)) + 1 };
}

/** The whole lines that a span touches. */
function linesOf(text: string, span: Span): string {
  const start = text.lastIndexOf('\n', span.begin - 1) + 1;
  const stop = text.indexOf('\n', span.end);
  return text.slice(span.begin === 0 ? 0 : start, stop < 0 ? text.length : stop);
}

/** The error of a source that cannot be compiled. */
export function sourceError(source: Source, span: Span, problem: { kind: JsonnetErrorKind; message: string }): JsonnetError {
  return new JsonnetError(problem.message, { kind: problem.kind, range: rangeOf(source, span), code: linesOf(source.text, span) });
}
