import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConservationView, conservationOf } from './conservation.ts';
import { addFigures, type Figures, zeroFigures } from './state/figures.ts';
import { type File, fileSchema, transitionFile } from './state/file.ts';
import type { SinkSum } from './state/row-counts.ts';
import { type Slice, sliceSchema, transitionSlice } from './state/slice.ts';
import { fileKeyText, sliceKeyText } from './state/storage-keys.ts';

const at = '2026-06-24T10:00:00.000Z';
const sink = { projectId: 1, branchId: 1, sourceId: 'source', sinkId: 'sink' };
const file: File = fileSchema.parse({
  state: 'writing',
  sink,
  openedAt: at,
  sinkVersion: 1,
  tableId: 'in.c-bucket.table',
  columns: ['a'],
  settings: {
    maxRowBytes: 1000,
    upload: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1 },
    import: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1, slices: 1, maxSlices: 50 },
  },
  importId: 'id',
});
const slice: Slice = sliceSchema.parse({
  state: 'writing',
  sink,
  volumeId: 'volume0001',
  openedAt: at,
  file: fileKeyText(file),
  sinkVersion: 1,
  codec: 'gzip',
});

interface Given {
  readonly file?: File | undefined;
  readonly slice?: Slice | undefined;
  readonly live?: Figures;
  readonly sum?: SinkSum;
}

function conservation(given: Given) {
  const view: ConservationView = {
    slicesOf: () => (given.slice ? [given.slice] : []),
    figures: () => given.live ?? zeroFigures,
    sinkSum: () => given.sum ?? zeroFigures,
  };
  return conservationOf(view, '1/1/source/sink', { files: given.file ? [given.file] : [], strays: [] });
}

const figures = (goodRows: number, damagedRows: number): Figures => ({ ...zeroFigures, goodRows, damagedRows });
const object = { key: 'k', bytes: 1 };

test('every state that the record path leads through conserves the rows, whatever the disk destroys', () => {
  const rows = fc.record({ good: fc.nat(1000), tornBefore: fc.nat(10), lostLater: fc.nat(10) });
  fc.assert(
    fc.property(rows, ({ good, tornBefore, lostLater }) => {
      const kept = Math.max(0, good - lostLater);
      const accepted = good + tornBefore;
      const later = figures(kept, tornBefore + good - kept);
      expect(conservation({ file, slice, live: figures(good, tornBefore) })).toEqual({ accepted, violations: [] });
      const closing = transitionSlice(slice, { type: 'close', at })!;
      const sealed = transitionSlice(closing, { type: 'seal', at, parts: [], figures: figures(good, tornBefore) })!;
      expect(conservation({ file, slice: sealed })).toEqual({ accepted, violations: [] });
      const uploaded = good === 0 ? sealed : transitionSlice(sealed, { type: 'upload', at, object, figures: later, sentRows: kept })!;
      expect(conservation({ file, slice: uploaded })).toEqual({ accepted, violations: [] });
      const counts = { figures: good === 0 ? figures(0, tornBefore) : later, acceptedRows: accepted, sentRows: kept };
      const closed = transitionFile(file, { type: 'close', at })!;
      const importing = transitionFile(closed, { type: 'slicesUploaded', staging: 0, at, checksum: 'c', ...counts })!;
      expect(conservation({ file: importing })).toEqual({ accepted, violations: [] });
      const quarantined = transitionFile(importing, { type: 'quarantine', staging: 0, at, reason: 'r' })!;
      expect(conservation({ file: quarantined })).toEqual({ accepted, violations: [] });
      const imported = transitionFile(importing, { type: 'imported', at, rows: kept })!;
      expect(conservation({ file: imported })).toEqual({ accepted, violations: [] });
      const sum = { ...addFigures(counts.figures, zeroFigures), acceptedRows: accepted, sentRows: kept, importedRows: kept };
      expect(conservation({ sum })).toEqual({ accepted, violations: [] });
    }),
  );
});

const uploadedSlice = (sentRows: number): Slice =>
  sliceSchema.parse({
    ...slice,
    state: 'uploaded',
    closingAt: at,
    uploadingAt: at,
    uploadedAt: at,
    parts: [],
    isEmpty: false,
    object,
    acceptedRows: 5,
    sentRows,
    figures: figures(5, 0),
  });
const importedFile = (importedRows: number): File =>
  fileSchema.parse({
    ...file,
    state: 'imported',
    closingAt: at,
    importingAt: at,
    importedAt: at,
    figures: figures(4, 1),
    acceptedRows: 5,
    sentRows: 4,
    importedRows,
  });

test.each<[string, Given, string[]]>([
  ['the uploader sent fewer rows than were sealed', { file, slice: uploadedSlice(4) }, ['accepted 5 rows, and has 4 staged, 0 damaged']],
  ['the engine imported twice', { file: importedFile(8) }, ['accepted 5 rows, and has 8 imported, 1 damaged']],
  ['the engine lost rows', { file: importedFile(3) }, ['accepted 5 rows, and has 3 imported, 1 damaged']],
  [
    'a sum that lost an import',
    { sum: { ...figures(10, 0), acceptedRows: 10, sentRows: 10, importedRows: 9 } },
    ['accepted 10 rows, and has 9 imported, 0 damaged'],
  ],
  [
    'opposite differences',
    { file: importedFile(3), sum: { ...figures(10, 0), acceptedRows: 10, importedRows: 11 } },
    ['has 11 imported', 'has 3 imported'],
  ],
])('%s: is told', (_name, given, told) => {
  const { violations } = conservation(given);
  expect(violations).toHaveLength(told.length);
  for (const [index, text] of told.entries()) expect(violations[index]).toContain(text);
});

test('records of earlier releases, without the counts, are judged by their figures', () => {
  const { acceptedRows: _a, sentRows: _s, ...old } = importedFile(4) as File & { state: 'imported' };
  expect(conservation({ file: old })).toEqual({ accepted: 5, violations: [] });
  expect(conservation({ sum: figures(7, 1) })).toEqual({ accepted: 8, violations: [] });
});

test('a slice of no file is told', () => {
  const view: ConservationView = { slicesOf: () => [], figures: () => zeroFigures, sinkSum: () => zeroFigures };
  const { violations } = conservationOf(view, 'sink', { files: [], strays: [slice] });
  expect(violations).toEqual([`slice ${sliceKeyText(slice)} belongs to no file`]);
});
