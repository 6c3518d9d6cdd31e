import { notParsed, type Parsed, parsed } from './parsed.ts';

const nanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const perMillisecond = 1_000_000n;
/** Longest duration of Go, about 292 years. */
const maxNanoseconds = 2n ** 63n - 1n;

/** Go syntax: `300ms`, `1m20s`, `-1.5h`, `0`. The value is in milliseconds; the reasons are Go's. */
export function parseDuration(text: string): Parsed<number> {
  const invalid = notParsed(`time: invalid duration ${JSON.stringify(text)}`);
  const negative = text.startsWith('-');
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return parsed(0);
  if (body === '') return invalid;
  let total = 0n;
  let end = 0;
  for (const { index, groups } of body.matchAll(/(?<whole>\d*)(?:\.(?<fraction>\d*))?(?<unit>[^\d.]*)/g)) {
    const { whole = '', fraction = '', unit = '' } = groups ?? {};
    if (index !== end || index === body.length) break;
    if (whole + fraction === '') return invalid;
    if (unit === '') return notParsed(`time: missing unit in duration ${JSON.stringify(text)}`);
    const scale = nanoseconds[unit];
    if (scale === undefined) return notParsed(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    end = index + body.slice(index).indexOf(unit, whole.length) + unit.length;
    total += BigInt(whole || 0) * scale + (BigInt(fraction || 0) * scale) / 10n ** BigInt(fraction.length);
  }
  if (end !== body.length || total > maxNanoseconds) return invalid;
  const ms = Number(total / perMillisecond) + Number(total % perMillisecond) / 1e6;
  return parsed(negative ? -ms : ms);
}

/** Go style: `45s`, `1m0s`, `24h0m0s`, `300ms`, `1.5s`. */
export function formatDuration(ms: number): string {
  const whole = Math.trunc(ms);
  const signed = BigInt(whole) * perMillisecond + BigInt(Math.round((ms - whole) * 1e6));
  const total = signed < 0n ? -signed : signed;
  const sign = signed < 0n ? '-' : '';
  if (total === 0n) return '0s';
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${decimal(total, 3)}µs`;
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 6)}ms`;
  const minutes = total / 60_000_000_000n;
  const seconds = `${decimal(total % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** The number divided by 10^digits, without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits);
  const fraction = String(value % scale)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${value / scale}` : `${value / scale}.${fraction}`;
}
