import { notParsed, type Parsed, parsed } from './parsed.ts';

/** Binary units with the spellings that are read, in lower case; the first one is written. */
const units: readonly { readonly bytes: number; readonly spellings: readonly string[] }[] = [
  { bytes: 1024 ** 6, spellings: ['eb', 'e'] },
  { bytes: 1024 ** 5, spellings: ['pb', 'p', 'peta', 'petabyte', 'petabytes'] },
  { bytes: 1024 ** 4, spellings: ['tb', 't', 'tera', 'terabyte', 'terabytes'] },
  { bytes: 1024 ** 3, spellings: ['gb', 'g', 'giga', 'gigabyte', 'gigabytes'] },
  { bytes: 1024 ** 2, spellings: ['mb', 'm', 'mega', 'megabyte', 'megabytes'] },
  { bytes: 1024, spellings: ['kb', 'k', 'kilo', 'kilobyte', 'kilobytes'] },
  { bytes: 1, spellings: ['b', '', 'byte'] },
];

/** `12MB`, `1536 kB`, `100`: whole numbers of bytes. Spellings such as `Kb` mean bits and are refused. */
export function parseByteSize(text: string): Parsed<number> {
  const { amount, unit } = /^(?<amount>\d+)\s*(?<unit>[a-zA-Z]*)\s*$/.exec(text)?.groups ?? {};
  if (amount === undefined || unit === undefined) return notParsed('invalid syntax');
  if (/^[KMGTPE]b$/.test(unit)) return notParsed(`"${unit}" means bits, write "${unit.toUpperCase()}" for bytes`);
  const found = units.find(({ spellings }) => spellings.includes(unit.toLowerCase()));
  if (!found) return notParsed('invalid syntax');
  const bytes = Number(amount) * found.bytes;
  return Number.isSafeInteger(bytes) ? parsed(bytes) : notParsed('value out of range');
}

/** The text with the largest unit that divides exactly: `1536KB`, `100B`. */
export function formatByteSize(bytes: number): string {
  const exact = bytes === 0 ? undefined : units.find((unit) => bytes % unit.bytes === 0);
  return exact ? `${bytes / exact.bytes}${exact.spellings[0]?.toUpperCase()}` : `${bytes}B`;
}
