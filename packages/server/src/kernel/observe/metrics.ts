import { collectDefaultMetrics, Registry } from 'prom-client';
import { AppError } from '../errors/app-error.ts';
import {
  type BoundCounter,
  type BoundGauge,
  type BoundHistogram,
  type CellFamily,
  histogramFamily,
  type NumberCell,
  numberFamily,
} from './metric-cell.ts';
import type { MetricRow } from './metric-row.ts';

/** Metrics by name. */
export type MetricTable = Readonly<Record<string, MetricRow>>;

/** Names of the metrics of one type. */
type NamesOf<Table extends MetricTable, Type extends MetricRow['type']> = {
  [Name in keyof Table]: Table[Name]['type'] extends Type ? Name : never;
}[keyof Table] &
  string;

/** A text for each declared label, no more and no less. */
type LabelsOf<Row extends MetricRow> = { readonly [Label in Row['labels'][number]]: string };

/** All metrics of a process. Each feature declares its own table and gets a typed view of it. */
export class MetricRegistry {
  readonly #registry = new Registry();

  /** Throws if a name is declared twice in the process. */
  declare<const Table extends MetricTable>(table: Table): Metrics<Table> {
    return new Metrics(table, this.#registry);
  }

  /** Adds CPU, memory, event loop and garbage collection of the process. */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Content type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/**
 * The metrics of a declared table. A child is bound to its labels once and kept by its user; counting is then an addition.
 * Asking again for the same labels gives the same child. What carries an entity's name is removed with the entity.
 */
export class Metrics<const Table extends MetricTable> {
  readonly #numbers = new Map<string, CellFamily<NumberCell>>();
  readonly #histograms = new Map<string, CellFamily<BoundHistogram>>();

  constructor(table: Table, registry: Registry) {
    for (const [name, row] of Object.entries(table)) {
      if (row.type === 'histogram') this.#histograms.set(name, histogramFamily({ name, row, registry }));
      else this.#numbers.set(name, numberFamily({ name, row, registry }));
    }
  }

  counter<Name extends NamesOf<Table, 'counter'>>(name: Name, labels: LabelsOf<Table[Name]>): BoundCounter {
    return declared(this.#numbers.get(name), name).get(labels);
  }

  gauge<Name extends NamesOf<Table, 'gauge'>>(name: Name, labels: LabelsOf<Table[Name]>): BoundGauge {
    return declared(this.#numbers.get(name), name).get(labels);
  }

  histogram<Name extends NamesOf<Table, 'histogram'>>(name: Name, labels: LabelsOf<Table[Name]>): BoundHistogram {
    return declared(this.#histograms.get(name), name).get(labels);
  }

  /** A counter that its user keeps as a number, where even an addition through the cell would be too much. */
  counterOf<Name extends NamesOf<Table, 'counter'>>(name: Name, labels: LabelsOf<Table[Name]>, read: () => number): void {
    declared(this.#numbers.get(name), name).get(labels).readFrom(read);
  }

  /** A gauge whose value is read when the metrics are collected, such as the depth of a queue. */
  gaugeOf<Name extends NamesOf<Table, 'gauge'>>(name: Name, labels: LabelsOf<Table[Name]>, read: () => number): void {
    declared(this.#numbers.get(name), name).get(labels).readFrom(read);
  }

  /** Forgets the child with these labels; whoever still holds it counts unseen. */
  remove<Name extends keyof Table & string>(name: Name, labels: LabelsOf<Table[Name]>): void {
    this.#numbers.get(name)?.remove(labels);
    this.#histograms.get(name)?.remove(labels);
  }
}

function declared<Family>(family: Family | undefined, name: string): Family {
  if (!family) throw new AppError('invariantBroken', `Metric ${name} is not declared.`);
  return family;
}
