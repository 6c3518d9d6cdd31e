import type { Sink } from './sink.ts';
import type { Source } from './source.ts';

/** A source as ingest sees it; a new object whenever something of it changes, never changed itself. */
export interface IngestSource {
  readonly source: Source;
  /** Enabled sinks in order of their ids. A sink that did not change stays the same object. */
  readonly sinks: readonly Sink[];
}

export const enabledSinks = (sinks: Iterable<Sink>): readonly Sink[] =>
  [...sinks].filter(({ disabled }) => disabled === undefined).sort((one, two) => (one.sinkId < two.sinkId ? -1 : 1));
