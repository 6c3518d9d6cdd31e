import type { Figures } from './state/figures.ts';
import { type File, isFinished, quarantineOf } from './state/file.ts';
import { acceptedRowsOf, type SinkSum, sentRowsOf } from './state/row-counts.ts';
import type { Slice } from './state/slice.ts';
import { fileKeyText, sliceKeyText } from './state/storage-keys.ts';

/** Where rows are; each row is in exactly one place. */
export const rowPlaces = ['local', 'staged', 'quarantined', 'imported', 'damaged', 'discarded'] as const;
export type RowPlace = (typeof rowPlaces)[number];

/** Rows of one file, slice or sum: what was accepted, and where it is by the count of whoever had it last. */
interface Balance {
  readonly what: string;
  readonly accepted: number;
  readonly places: Partial<Readonly<Record<RowPlace, number>>>;
}

/** Conservation (record path 9) of one sink: accepted = the sum of all places. */
export interface Conservation {
  readonly accepted: number;
  /** A sentence for each file or slice whose counts differ; opposite differences of two do not hide each other. */
  readonly violations: readonly string[];
}

interface ConservationOf {
  readonly files: readonly File[];
  /** Slices whose file is not there. */
  readonly strays: readonly Slice[];
}

/** What the equation is evaluated on: all of one revision of metadata. */
export interface ConservationView {
  slicesOf(fileKey: string): readonly Slice[];
  /** From the sealing, or live. */
  figures(sliceKey: string): Figures;
  sinkSum(sinkKey: string): SinkSum;
}

/**
 * Accepted is counted by the writer at sealing, staged by the uploader while it sends, imported by the table engine in its
 * import: a step that loses or doubles rows leaves two of them different.
 */
export function conservationOf(view: ConservationView, sink: string, { files, strays }: ConservationOf): Conservation {
  const balances = [balanceOfSum(sink, view.sinkSum(sink)), ...files.flatMap((file) => balancesOfFile(view, file))];
  return {
    accepted: balances.reduce((sum, { accepted }) => sum + accepted, 0),
    violations: [...balances.flatMap(violationOf), ...strays.map((slice) => `slice ${sliceKeyText(slice)} belongs to no file`)],
  };
}

function balanceOfSum(sink: string, sum: SinkSum): Balance {
  const imported = sum.importedRows ?? sum.goodRows;
  return {
    what: `the imports of ${sink}`,
    accepted: acceptedRowsOf({ ...sum, figures: sum }),
    places: { imported, damaged: sum.damagedRows, ...(sum.discardedRows !== undefined && { discarded: sum.discardedRows }) },
  };
}

function balancesOfFile(view: ConservationView, file: File): Balance[] {
  const key = fileKeyText(file);
  if (file.state === 'writing' || file.state === 'closing') return view.slicesOf(key).map((slice) => balanceOfSlice(view, slice));
  const { damagedRows } = file.figures;
  const place = isFinished(file) ? file.state : quarantineOf(file) ? 'quarantined' : 'staged';
  const rows = file.state === 'imported' ? file.importedRows : sentRowsOf(file);
  return [{ what: `file ${key}`, accepted: acceptedRowsOf(file), places: { [place]: rows, damaged: damagedRows } }];
}

function balanceOfSlice(view: ConservationView, slice: Slice): Balance {
  const key = sliceKeyText(slice);
  const what = `slice ${key}`;
  const figures = 'figures' in slice ? slice.figures : view.figures(key);
  const damaged = figures.damagedRows;
  if (slice.state === 'uploaded') return { what, accepted: acceptedRowsOf(slice), places: { staged: sentRowsOf(slice), damaged } };
  const accepted = slice.state === 'uploading' ? acceptedRowsOf(slice) : acceptedRowsOf({ figures });
  return { what, accepted, places: { local: figures.goodRows, damaged } };
}

function violationOf({ what, accepted, places }: Balance): string[] {
  const found = Object.values(places).reduce((sum, rows) => sum + rows, 0);
  if (found === accepted) return [];
  const list = Object.entries(places).map(([place, rows]) => `${rows} ${place}`);
  return [`${what} accepted ${accepted} rows, and has ${list.join(', ')}`];
}
