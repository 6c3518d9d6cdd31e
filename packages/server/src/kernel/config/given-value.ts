import type { Setting } from './setting.ts';

/** A value that some place gives for a setting. */
export interface GivenValue {
  /** Input form of the schema. */
  readonly value: unknown;
  /** The place, as a person would name it: `flag --a-b`, `environment variable A_B`, `file sluice.yaml`. */
  readonly source: string;
}

/** What one place gives, by key of the setting, and what is wrong or strange there. */
export interface GivenValues {
  readonly values: ReadonlyMap<string, GivenValue>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** The text of a flag or variable in the input form of the schema; what does not fit stays text for the schema to refuse. */
export function inputOf({ kind }: Setting, text: string): unknown {
  switch (kind) {
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'list':
      return text === '' ? [] : text.split(',').map((item) => item.trim());
    case 'text':
    case 'coded':
      return text;
  }
}
