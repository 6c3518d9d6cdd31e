import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type File, type FileEvent, type FileState, fileSchema, stagingOf, transitionFile } from './file.ts';
import { ledgerIdOf, ledgerIdsOf } from './ledger-id.ts';

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
const refused = quarantine;
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
  slicesUploaded: { type: 'slicesUploaded', at: 'now', staging: 0, figures, checksum: 'sum' },
  allEmpty: { type: 'allEmpty', at: 'now', staging: 0, figures },
  imported: { type: 'imported', at: 'now', rows: 5 },
  failed: { type: 'failed', retry },
  refused: { type: 'refused', at: 'now', staging: 0, reason: 'refused', isDamage: false },
  stageAgain: { type: 'stageAgain', at: 'now', staging: 0 },
  quarantine: { type: 'quarantine', at: 'now', staging: 0, reason: 'refused' },
  retry: { type: 'retry', at: 'now' },
  discard: { type: 'discard', at: 'now' },
  discarded: { type: 'discarded', at: 'now' },
};

/** What an operator says of a file in quarantine means nothing to any other. */
const undecided = { retry: undefined, discard: undefined, discarded: undefined };
/** What follows from an import that was refused. */
const notRefused = { refused: undefined, stageAgain: undefined, quarantine: undefined };
const ended = { close: undefined, slicesUploaded: undefined, allEmpty: undefined, ...notRefused, ...undecided };

/** The state after each event; where none is named, the state does not know the event. */
const table: Readonly<Record<FileState, Readonly<Record<FileEvent['type'], FileState | undefined>>>> = {
  writing: {
    close: 'closing',
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: undefined,
    failed: 'writing',
    ...notRefused,
    ...undecided,
  },
  closing: {
    close: undefined,
    slicesUploaded: 'importing',
    allEmpty: 'imported',
    imported: undefined,
    failed: 'closing',
    ...notRefused,
    ...undecided,
  },
  importing: {
    close: undefined,
    slicesUploaded: undefined,
    allEmpty: undefined,
    imported: 'imported',
    failed: 'importing',
    refused: 'importing',
    stageAgain: undefined,
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
  refused: undefined,
  retry: 'importing',
  discard: 'discarding',
};

/** Of a file that is to be staged again. */
const refusedTable: typeof quarantineTable = { ...table.importing, refused: undefined, stageAgain: 'closing' };

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

test.each(types)('importing and refused, %s', (type) => {
  const after = transitionFile({ ...importing, state: 'importing', refused }, events[type]);
  expect(after?.state).toBe(refusedTable[type]);
  if (after) expect(fileSchema.parse(after)).toEqual(after);
});

test('what is refused is staged again once, then it is in quarantine; a retry stages it again', () => {
  const again = { ...files.closing, restaged: { count: 1, at: 'now', reason: 'refused' } };
  const first = transitionFile({ ...importing, state: 'importing', retry }, events.refused);
  expect(first).toEqual({ ...files.importing, refused: { at: 'now', reason: 'refused' } });
  expect(transitionFile(first ?? files.writing, events.stageAgain)).toEqual(again);
  const imports = transitionFile(again, { ...events.slicesUploaded, staging: 1 });
  expect(imports).toMatchObject({ state: 'importing', restaged: again.restaged });
  const second = transitionFile(imports ?? files.writing, { ...events.refused, staging: 1 });
  expect(second).toMatchObject({ state: 'importing', quarantine: { at: 'now', reason: 'refused' } });
  expect(second).not.toHaveProperty('refused');
  const released = transitionFile(second ?? files.writing, events.retry);
  expect(released).toMatchObject({ state: 'importing', refused: { at: 'now', reason: 'refused' } });
  expect(transitionFile(released ?? files.writing, { ...events.stageAgain, staging: 1 })).toMatchObject({
    state: 'closing',
    restaged: { count: 2 },
  });
});

test('what the disk changes after its upload is staged again, up to ten times', () => {
  const stagingsOf = (isDamage: boolean): number => {
    let file: File = files.importing;
    for (let staging = 0; ; staging += 1) {
      const event = (type: 'refused' | 'stageAgain' | 'slicesUploaded') => ({ ...events[type], staging, isDamage }) as FileEvent;
      const refusal = transitionFile(file, event('refused'));
      if (refusal?.state !== 'importing' || refusal.quarantine) return staging;
      const closed = transitionFile(refusal, event('stageAgain')) ?? refusal;
      file = transitionFile(closed, { ...events.slicesUploaded, staging: staging + 1 }) ?? refusal;
    }
  };
  expect(stagingsOf(true)).toBe(10);
  expect(stagingsOf(false)).toBe(1);
});

test.each(types.filter((type) => 'staging' in events[type]))('%s of a staging that is over means nothing', (type) => {
  const restaged = { count: 1, at: 't6', reason: 'refused' };
  for (const file of [files.closing, files.importing, { ...files.importing, refused } as File]) {
    expect(transitionFile({ ...file, restaged }, events[type])).toBeUndefined();
  }
});

test('a retry forgets the failures; a discard keeps the reason', () => {
  const kept: File = { ...importing, state: 'importing', retry, quarantine };
  expect(transitionFile(kept, events.retry)).toEqual({ ...files.importing, refused: { at: 'now', reason: quarantine.reason } });
  const discarding = transitionFile(kept, events.discard);
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

test('any sequence of events keeps the schema valid, goes back only to be staged again, and never changes what the file began with', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...types), { maxLength: 20 }), (sequence) => {
      let file = files.writing;
      for (const type of sequence) {
        const before = file;
        const event = events[type];
        const staging = stagingOf(file);
        file = transitionFile(file, 'staging' in event ? { ...event, staging } : event) ?? file;
        expect(fileSchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
        if (type === 'stageAgain' && file !== before) expect([file.state, stagingOf(file)]).toEqual(['closing', staging + 1]);
        else expect([order.indexOf(file.state) >= order.indexOf(before.state), stagingOf(file)]).toEqual([true, staging]);
        expect('refused' in file && 'quarantine' in file, 'both').toBe(false);
        expect(new Set(ledgerIdsOf(file))).toHaveProperty('size', stagingOf(file) + 1);
        expect(ledgerIdsOf(file).at(-1)).toBe(ledgerIdOf(file));
        expect(file).toMatchObject(base);
        if (file.state === before.state && !['failed', 'refused', 'quarantine', 'retry'].includes(type)) expect(file).toBe(before);
      }
    }),
  );
});
