import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MetricRow } from './metric-row.ts';

export interface BoundCounter {
  inc(by?: number): void;
}

export interface BoundGauge extends BoundCounter {
  set(value: number): void;
  dec(by?: number): void;
}

export interface BoundHistogram {
  observe(value: number): void;
}

export type Labels = Readonly<Record<string, string>>;

interface Declared {
  readonly name: string;
  readonly row: MetricRow;
  readonly registry: Registry;
}

/** The children of one metric by their labels; a child is made once. */
export class CellFamily<Cell> {
  readonly #cells = new Map<string, Cell>();
  readonly #create: (labels: Labels) => Cell;
  readonly #forget: (labels: Labels) => void;

  constructor(create: (labels: Labels) => Cell, forget: (labels: Labels) => void = () => {}) {
    this.#create = create;
    this.#forget = forget;
  }

  get(labels: Labels): Cell {
    const key = keyOf(labels);
    const cell = this.#cells.get(key) ?? this.#create(labels);
    this.#cells.set(key, cell);
    return cell;
  }

  remove(labels: Labels): void {
    if (this.#cells.delete(keyOf(labels))) this.#forget(labels);
  }

  values(): Iterable<Cell> {
    return this.#cells.values();
  }
}

const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort());

/** A number with labels. Counting is an addition; the client library sees it only when the metrics are collected. */
export class NumberCell implements BoundGauge {
  readonly labels: Labels;
  #read: (() => number) | undefined;
  #value = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  inc(by = 1): void {
    this.#value += by;
  }

  dec(by = 1): void {
    this.#value -= by;
  }

  set(value: number): void {
    this.#value = value;
  }

  readFrom(read: () => number): void {
    this.#read = read;
  }

  current(): number {
    return this.#read ? this.#read() : this.#value;
  }
}

export function numberFamily({ name, row, registry }: Declared): CellFamily<NumberCell> {
  const family = new CellFamily((labels) => new NumberCell(labels));
  const Metric = row.type === 'counter' ? Counter : Gauge;
  const metric: Counter | Gauge = new Metric({
    name,
    help: row.help,
    labelNames: row.labels,
    registers: [registry],
    collect: () => {
      metric.reset();
      for (const cell of family.values()) metric.inc(cell.labels, cell.current());
    },
  });
  return family;
}

export function histogramFamily({ name, row, registry }: Declared): CellFamily<BoundHistogram> {
  const buckets = row.buckets ? { buckets: [...row.buckets] } : {};
  const metric = new Histogram({ name, help: row.help, labelNames: row.labels, registers: [registry], ...buckets });
  return new CellFamily(
    (labels) => metric.labels(labels),
    (labels) => metric.remove(labels),
  );
}
