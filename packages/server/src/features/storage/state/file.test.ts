import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type File, type FileEvent, type FileState, fileSchema, transitionFile } from './file.ts';

const figures = { goodRows: 5, damagedRows: 1, compressedBytes: 100, rawBytes: 200, firstAt: 1, lastAt: 2 };
const retry = { attempt: 1, reason: 'down', firstFailedAt: 't1', lastFailedAt: 't1', after: 't2' };
const base = {
  sink: { projectId: 1, branchId: 2, sourceId: 'source', sinkId: 'sink' },
  openedAt: '2026-06-24T10:00:00.000Z',
  sinkVersion: 1,
  tableId: 'in.c-bucket.table',
  columns: ['a'],
  codec: 'gzip' as const,
  settings: {
    maxRowBytes: 1000,
    upload: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1 },
    import: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1, slices: 1, maxSlices: 50 },
  },
  importId: 'id',
};
const closing = { ...base, closingAt: 't3' };
const importing = { ...closing, figures, importingAt: 't4', checksum: 'sum' };
const files: Readonly<Record<FileState, File>> = {
  writing: { ...base, state: 'writing' },
  closing: { ...closing, state: 'closing' },
  importing: { ...importing, state: 'importing' },
  imported: { ...closing, figures, importingAt: 't4', state: 'imported', importedAt: 't5', importedRows: 5 },
};

const events: { readonly [Type in FileEvent['type']]: FileEvent & { readonly type: Type } } = {
  close: { type: 'close', at: 'now' },
  slicesUploaded: { type: 'slicesUploaded', at: 'now', figures, checksum: 'sum' },
  allEmpty: { type: 'allEmpty', at: 'now', figures },
  imported: { type: 'imported', at: 'now', rows: 5 },
  failed: { type: 'failed', retry },
  quarantine: { type: 'quarantine', at: 'now', reason: 'refused' },
};

/** The state after each event; where none is named, the state does not know the event. */
const table: Readonly<Record<FileState, Readonly<Record<FileEvent['type'], FileState | undefined>>>> = {
  writing: {
    close: 'closing',
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: undefined,
    failed: 'writing',
    quarantine: undefined,
  },
  closing: {
    close: undefined,
    slicesUploaded: 'importing',
    allEmpty: 'imported',
    imported: undefined,
    failed: 'closing',
    quarantine: undefined,
  },
  importing: {
    close: undefined,
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: 'imported',
    failed: 'importing',
    quarantine: 'importing',
  },
  imported: {
    close: undefined,
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: undefined,
    failed: undefined,
    quarantine: undefined,
  },
};

const states = Object.keys(files) as FileState[];
const types = Object.keys(events) as FileEvent['type'][];

test.each(states.flatMap((state) => types.map((type) => [state, type] as const)))('%s, %s', (state, type) => {
  const after = transitionFile(files[state], events[type]);
  expect(after?.state).toBe(table[state][type]);
  if (after) expect(fileSchema.parse(after)).toEqual(after);
});

test('each transition notes its time and facts', () => {
  expect(transitionFile(files.writing, events.close)).toEqual({ ...files.writing, state: 'closing', closingAt: 'now' });
  expect(transitionFile(files.closing, events.slicesUploaded)).toEqual({
    ...files.closing,
    state: 'importing',
    importingAt: 'now',
    figures,
    checksum: 'sum',
  });
  expect(transitionFile(files.closing, events.allEmpty)).toEqual({
    ...files.closing,
    state: 'imported',
    importedAt: 'now',
    figures,
    importedRows: 0,
  });
  expect(transitionFile(files.importing, events.imported)).toEqual({ ...files.imported, importedAt: 'now' });
});

test('a failure keeps the state; a transition forgets it; a quarantine ends with the import', () => {
  const failed = transitionFile(files.importing, events.failed);
  expect(failed).toEqual({ ...files.importing, retry });
  const quarantined = transitionFile(failed ?? files.writing, events.quarantine);
  expect(quarantined).toEqual({ ...files.importing, retry, quarantine: { at: 'now', reason: 'refused' } });
  expect(transitionFile(quarantined ?? files.writing, events.imported)).toEqual({ ...files.imported, importedAt: 'now' });
});

const order: readonly FileState[] = ['writing', 'closing', 'importing', 'imported'];

test('any sequence of events keeps the schema valid, only goes forward, and never changes what the file began with', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...types), { maxLength: 12 }), (sequence) => {
      let file = files.writing;
      for (const type of sequence) {
        const before = file;
        file = transitionFile(file, events[type]) ?? file;
        expect(fileSchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
        expect(order.indexOf(file.state)).toBeGreaterThanOrEqual(order.indexOf(before.state));
        expect(file).toMatchObject(base);
        if (file.state === before.state && type !== 'failed' && type !== 'quarantine') expect(file).toBe(before);
      }
    }),
  );
});
