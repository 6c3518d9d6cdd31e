import type { ParsedLine } from './strict-lines.ts';

/** One field of a point. */
interface Row {
  readonly point: ParsedLine;
  readonly field: string;
  readonly value: number | string | boolean;
}

type Step = (tables: Table[]) => Table[];
interface Table {
  readonly rows: readonly OutputRow[];
}
/** Column by name; times are nanoseconds. */
type OutputRow = Readonly<Record<string, number | string | boolean | bigint>>;

const aggregates: Readonly<Record<string, (values: (number | string | boolean)[]) => number>> = {
  count: (values) => values.length,
  sum: (values) => numbers(values).reduce((sum, value) => sum + value, 0),
  mean: (values) => numbers(values).reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => numbers(values).reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
  max: (values) => numbers(values).reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
};

/**
 * The part of Flux that is written here in full, one pipeline in a line; anything else is an error. Answers in CSV without
 * annotations, as the dialect is where a request names none.
 */
export function answerFlux(
  script: string,
  { bucket, points }: { readonly bucket: string; readonly points: readonly ParsedLine[] },
): string {
  const names = new Set<string>();
  const answers = script.split('\n').map((pipeline) => {
    const [from, range = '', ...steps] = pipeline.split(' |> ');
    if (from !== `from(bucket: ${JSON.stringify(bucket)})`) throw new Error(`could not find bucket: ${from}`);
    const [, start, stop] = /^range\(start: (\d{4}-\d\d-\d\dT[\d:.]+Z), stop: (\d{4}-\d\d-\d\dT[\d:.]+Z)\)$/.exec(range) ?? [];
    if (start === undefined || stop === undefined) throw new Error(`undefined range: ${range}`);
    const window = { start: nanoseconds(Date.parse(start)), stop: nanoseconds(Date.parse(stop)) };
    if (window.start >= window.stop) throw new Error('cannot query an empty range');
    const [, name = '_result'] = /^yield\(name: "(\w+)"\)$/.exec(steps.at(-1) ?? '') ?? [];
    if (names.has(name)) throw new Error(`duplicate yield of ${name}`);
    names.add(name);
    let tables = tablesOf(points.filter(({ time }) => time >= window.start && time < window.stop));
    for (const step of name === '_result' ? steps : steps.slice(0, -1)) tables = stepOf(step, window)(tables);
    return csv(name, tables);
  });
  return answers.join('');
}

interface Window {
  readonly start: bigint;
  readonly stop: bigint;
}

/** A table for each series and field, in the order of time. */
function tablesOf(points: readonly ParsedLine[]): Table[] {
  const rows: Row[] = points.flatMap((point) => Object.entries(point.fields).map(([field, value]) => ({ point, field, value })));
  const byTable = Map.groupBy(rows, ({ point, field }) =>
    JSON.stringify([point.measurement, field, Object.entries(point.tags).toSorted()]),
  );
  return [...byTable.values()].map((some) => ({
    rows: some
      .map(({ point, field, value }) => ({
        _time: point.time,
        _value: value,
        _field: field,
        _measurement: point.measurement,
        ...point.tags,
      }))
      .toSorted((a, b) => (a._time < b._time ? -1 : 1)),
  }));
}

function stepOf(step: string, window: Window): Step {
  const [, condition] = /^filter\(fn: \(r\) => (.*)\)$/.exec(step) ?? [];
  if (condition !== undefined) {
    const keeps = conditionOf(condition);
    return (tables) => tables.map(({ rows }) => ({ rows: rows.filter(keeps) })).filter(({ rows }) => rows.length > 0);
  }
  if (step === 'group()') return (tables) => (tables.length === 0 ? [] : [{ rows: tables.flatMap(({ rows }) => rows) }]);
  if (step === 'count()') return (tables) => tables.map(({ rows }) => ({ rows: [{ _value: rows.length }] }));
  const [, divisor] = /^map\(fn: \(r\) => \(\{r with _value: r\._value \/ (\d+\.\d+)\}\)\)$/.exec(step) ?? [];
  if (divisor !== undefined) {
    return (tables) =>
      tables.map(({ rows }) => ({ rows: rows.map((row) => ({ ...row, _value: Number(row['_value']) / Number(divisor) })) }));
  }
  const [, columns] = /^keep\(columns: (\[[^\]]*\])\)$/.exec(step) ?? [];
  if (columns !== undefined) {
    const kept: unknown = JSON.parse(columns);
    const isKept = ([name]: readonly [string, unknown]) => Array.isArray(kept) && kept.includes(name);
    return (tables) => tables.map(({ rows }) => ({ rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(isKept))) }));
  }
  const [, every, fn] = /^aggregateWindow\(every: (\d+)ms, fn: (\w+), createEmpty: false, timeSrc: "_start"\)$/.exec(step) ?? [];
  const aggregate = aggregates[fn ?? ''];
  if (every === undefined || aggregate === undefined) throw new Error(`undefined identifier: ${step}`);
  return (tables) => tables.map((table) => ({ rows: windowRows(table, { every: nanoseconds(Number(every)), aggregate, window }) }));
}

interface Windowing {
  readonly every: bigint;
  readonly aggregate: (values: (number | string | boolean)[]) => number;
  readonly window: Window;
}

/** Windows begin at multiples of their length, but the first not before the range. */
function windowRows({ rows }: Table, { every, aggregate, window }: Windowing): OutputRow[] {
  const starts = Map.groupBy(rows, (row) => {
    const start = (BigInt(String(row['_time'])) / every) * every;
    return start < window.start ? window.start : start;
  });
  return [...starts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([start, some]) => ({ _time: start, _value: aggregate(some.map((row) => amountOf(row))) }));
}

/** `and` before `or`, with brackets around an `or` inside of an `and`. */
function conditionOf(text: string): (row: OutputRow) => boolean {
  const parts = text.split(/ and (?![^(]*\))/);
  if (parts.length > 1) {
    const all = parts.map(conditionOf);
    return (row) => all.every((one) => one(row));
  }
  const [, inner] = /^\((.*)\)$/.exec(text) ?? [];
  if (inner !== undefined) {
    const some = inner.split(' or ').map(conditionOf);
    return (row) => some.some((one) => one(row));
  }
  const [, missing] = /^not exists r\.(\w+)$/.exec(text) ?? [];
  if (missing !== undefined) return (row) => row[missing] === undefined;
  const [, column = '', value] = /^r\.(\w+) == ("(?:[^"\\]|\\.)*")$/.exec(text) ?? [];
  if (value === undefined) throw new Error(`invalid expression: ${text}`);
  const wanted: unknown = JSON.parse(value);
  return (row) => row[column] === wanted;
}

function csv(name: string, tables: readonly Table[]): string {
  const parts = tables.map(({ rows }, index) => {
    const columns = Object.keys(rows[0] ?? {});
    const lines = rows.map((row) => ['', name, index, ...columns.map((column) => cell(row[column]))].join(','));
    return [['', 'result', 'table', ...columns].join(','), ...lines, '', ''].join('\r\n');
  });
  return parts.join('');
}

function cell(value: OutputRow[string] | undefined): string {
  if (typeof value === 'bigint') return rfc3339(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? '+Inf' : Number.isNaN(value) ? 'NaN' : '-Inf';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Without zeros at the end of the fraction, as Go writes it. */
function rfc3339(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const fraction = String(time % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

function amountOf(row: OutputRow): number | string | boolean {
  const value = row['_value'];
  if (value === undefined || typeof value === 'bigint') throw new Error('a row has no value');
  return value;
}

function numbers(values: readonly (number | string | boolean)[]): number[] {
  return values.map((value) => {
    if (typeof value !== 'number') throw new Error('unsupported input type for sum aggregate: string');
    return value;
  });
}

const nanoseconds = (ms: number): bigint => BigInt(ms) * 1_000_000n;
