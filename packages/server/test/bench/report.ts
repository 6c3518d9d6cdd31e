import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const figureSchema = z.object({
  id: z.string(),
  value: z.number(),
  unit: z.string(),
  /** The largest value that is good enough. */
  bar: z.number().optional(),
  /** The smallest value that is good enough. */
  atLeast: z.number().optional(),
});
export type Figure = z.infer<typeof figureSchema>;

export const reportSchema = z.object({
  name: z.string(),
  at: z.string(),
  machine: z.object({
    platform: z.string(),
    kernel: z.string(),
    cpu: z.string(),
    cores: z.int(),
    memoryBytes: z.int(),
  }),
  versions: z.record(z.string(), z.string()),
  figures: z.array(figureSchema),
});

/** Where each benchmark leaves its last figures. */
export const reportFolder = fileURLToPath(new URL('../../../../bench/out/', import.meta.url));

/** Prints one line for each figure and writes the same, with the machine, to `bench/out/<name>.json`. Returns how many bars are missed. */
export function report(name: string, figures: readonly Figure[]): number {
  for (const figure of figures) process.stdout.write(`bench ${figure.id} ${numberText(figure.value)} ${figure.unit}${verdict(figure)}\n`);
  mkdirSync(reportFolder, { recursive: true });
  const machine = {
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
  };
  writeFileSync(
    `${reportFolder}${name}.json`,
    `${JSON.stringify({ name, at: new Date().toISOString(), machine, versions: versions(), figures }, undefined, 2)}\n`,
  );
  return figures.filter((figure) => !isGood(figure)).length;
}

const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Of what was measured, by name; Sluice itself by its commit, with a plus where files differ from it. */
function versions(): Record<string, string> {
  const { node, sqlite = 'none', zlib = 'none', zstd = 'none' } = process.versions;
  const { dependencies } = packageSchema.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  const commit = execFileSync('git', ['describe', '--always', '--abbrev=10', '--dirty=+', '--exclude=*'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return { Sluice: commit.trim(), Node: node, SQLite: sqlite, DuckDB: dependencies['@duckdb/node-api'] ?? 'none', zlib, zstd };
}

export const isGood = ({ value, bar = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Figure): boolean =>
  value <= bar && value >= atLeast;

/** `<= 5`, `>= 0.4`, or nothing. */
export function barText({ bar, atLeast }: Figure): string {
  if (bar !== undefined) return `<= ${numberText(bar)}`;
  return atLeast === undefined ? '' : `>= ${numberText(atLeast)}`;
}

function verdict(figure: Figure): string {
  const bar = barText(figure);
  return bar === '' ? '' : ` bar ${bar}: ${isGood(figure) ? 'ok' : 'SHORT'}`;
}

/** The middle value; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export const numberText = (value: number): string => String(Number(value.toPrecision(4)));
