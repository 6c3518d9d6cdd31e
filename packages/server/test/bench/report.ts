import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Figure {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** The largest value that is good enough. */
  readonly bar?: number;
}

const folder = fileURLToPath(new URL('../../../../bench/out/', import.meta.url));

/** Prints one line for each figure and writes the same, with the machine, to `bench/out/<name>.json`. Returns how many bars are missed. */
export function report(name: string, figures: readonly Figure[]): number {
  for (const { id, value, unit, bar } of figures) {
    const verdict = bar === undefined ? '' : ` bar <= ${bar}: ${value <= bar ? 'ok' : 'SHORT'}`;
    process.stdout.write(`bench ${id} ${text(value)} ${unit}${verdict}\n`);
  }
  mkdirSync(folder, { recursive: true });
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
  };
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify({ name, at: new Date().toISOString(), machine, figures }, undefined, 2)}\n`);
  return figures.filter(({ value, bar }) => bar !== undefined && value > bar).length;
}

/** The middle value; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

const text = (value: number): string => String(Number(value.toPrecision(4)));
