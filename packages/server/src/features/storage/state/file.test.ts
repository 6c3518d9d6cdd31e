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
  settings: {
    maxRowBytes: 1000,
    upload: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1 },
    import: { minIntervalMs: 0, intervalMs: 1, count: 1, bytes: 1, slices: 1, maxSlices: 50 },
  },
  importId: 'id',
};
const closing = { ...base, closingAt: 't3' };
const importing = { ...closing, figures, importingAt: 't4', checksum: 'sum' };
const quarantine = { at: 't5', reason: 'refused' };
const files: Readonly<Record<FileState, File>> = {
  writing: { ...base, state: 'writing' },
  closing: { ...closing, state: 'closing' },
  importing: { ...importing, state: 'importing' },
  imported: { ...closing, figures, importingAt: 't4', state: 'imported', importedAt: 't5', importedRows: 5 },
  discarding: { ...importing, state: 'discarding', quarantine, discardingAt: 't6' },
  discarded: { ...closing, figures, importingAt: 't4', state: 'discarded', quarantine, discardingAt: 't6', discardedAt: 't7' },
};

const events: { readonly [Type in FileEvent['type']]: FileEvent & { readonly type: Type } } = {
  close: { type: 'close', at: 'now' },
  slicesUploaded: { type: 'slicesUploaded', at: 'now', figures, checksum: 'sum' },
  allEmpty: { type: 'allEmpty', at: 'now', figures },
  imported: { type: 'imported', at: 'now', rows: 5 },
  failed: { type: 'failed', retry },
  quarantine: { type: 'quarantine', at: 'now', reason: 'refused' },
  retry: { type: 'retry' },
  discard: { type: 'discard', at: 'now' },
  discarded: { type: 'discarded', at: 'now' },
};

/** What an operator says of a file in quarantine means nothing to any other. */
const undecided = { retry: undefined, discard: undefined, discarded: undefined };
const ended = { close: undefined, slicesUploaded: undefined, allEmpty: undefined, quarantine: undefined, ...undecided };

/** The state after each event; where none is named, the state does not know the event. */
const table: Readonly<Record<FileState, Readonly<Record<FileEvent['type'], FileState | undefined>>>> = {
  writing: {
    close: 'closing',
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: undefined,
    failed: 'writing',
    quarantine: undefined,
    ...undecided,
  },
  closing: {
    close: undefined,
    slicesUploaded: 'importing',
    allEmpty: 'imported',
    imported: undefined,
    failed: 'closing',
    quarantine: undefined,
    ...undecided,
  },
  importing: {
    close: undefined,
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: 'imported',
    failed: 'importing',
    quarantine: 'importing',
    ...undecided,
  },
  imported: { ...ended, imported: undefined, failed: undefined },
  discarding: { ...ended, imported: 'imported', failed: 'discarding', discarded: 'discarded' },
  discarded: { ...ended, imported: undefined, failed: undefined },
};

/** Of a file in quarantine: as of any importing one, and what an operator says. */
const quarantineTable: Readonly<Record<FileEvent['type'], FileState | undefined>> = {
  ...table.importing,
  retry: 'importing',
  discard: 'discarding',
};

const states = Object.keys(files) as FileState[];
const types = Object.keys(events) as FileEvent['type'][];

test.each(states.flatMap((state) => types.map((type) => [state, type] as const)))('%s, %s', (state, type) => {
  const after = transitionFile(files[state], events[type]);
  expect(after?.state).toBe(table[state][type]);
  if (after) expect(fileSchema.parse(after)).toEqual(after);
});

test.each(types)('importing in quarantine, %s', (type) => {
  const after = transitionFile({ ...importing, state: 'importing', quarantine }, events[type]);
  expect(after?.state).toBe(quarantineTable[type]);
  if (after) expect(fileSchema.parse(after)).toEqual(after);
});

test('a retry leaves the file as it was before it failed; a discard keeps the reason', () => {
  const refused: File = { ...importing, state: 'importing', retry, quarantine };
  expect(transitionFile(refused, events.retry)).toEqual(files.importing);
  const discarding = transitionFile(refused, events.discard);
  expect(discarding).toEqual({ ...files.discarding, discardingAt: 'now' });
  expect(transitionFile(discarding ?? files.writing, events.discarded)).toEqual({
    ...files.discarded,
    discardingAt: 'now',
    discardedAt: 'now',
  });
});

test('a discard that an importer was faster than ends as an import', () => {
  expect(transitionFile({ ...files.discarding, retry } as File, events.imported)).toEqual({ ...files.imported, importedAt: 'now' });
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

const order: readonly FileState[] = ['writing', 'closing', 'importing', 'discarding', 'discarded', 'imported'];

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
        if (file.state === before.state && !['failed', 'quarantine', 'retry'].includes(type)) expect(file).toBe(before);
      }
    }),
  );
});
