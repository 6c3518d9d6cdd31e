import { quoteName } from '../../../kernel/codec/sql-text.ts';

/** Quoted names of the three tables of a series. */
export interface SeriesTables {
  readonly events: string;
  readonly progress: string;
  readonly repeats: string;
}

export function seriesTables(table: string): SeriesTables {
  return { events: quoteName(table), progress: quoteName(`${table}_progress`), repeats: quoteName(`${table}_repeats`) };
}
