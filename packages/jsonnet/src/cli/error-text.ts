import type { JsonnetError } from '../jsonnet-error.ts';

interface ErrorSurroundings {
  /** Text of each source by the name that positions print. */
  readonly sources: ReadonlyMap<string, string>;
  /** Frames that are shown before those in the middle are cropped; 0: all. */
  readonly maxTrace: number;
}

/** An error as the reference command prints it, with a last newline: before run time with the lines that it is about. */
export function errorText(error: JsonnetError, { sources, maxTrace }: ErrorSurroundings): string {
  const text = `${error.format(maxTrace)}\n`;
  if (error.kind === 'runtime' || error.kind === 'budget') return text;
  const { range } = error;
  const lines =
    range &&
    sources
      .get(range.source)
      ?.split('\n')
      .slice(range.begin.line - 1, range.end.line);
  return lines ? `${text}\n${lines.join('\n')}\n\n` : `${text}\n`;
}
