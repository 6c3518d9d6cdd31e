import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Slice, type SliceEvent, type SliceState, sliceSchema, stagingOf, transitionSlice } from './slice.ts';

const figures = { goodRows: 5, damagedRows: 1, compressedBytes: 100, rawBytes: 200, firstAt: 1, lastAt: 2 };
const nothingGood = { goodRows: 0, damagedRows: 3, compressedBytes: 0, rawBytes: 0 };
const retry = { attempt: 2, reason: 'down', firstFailedAt: 't1', lastFailedAt: 't1', after: 't2' };
const parts = [{ name: 'node-1-1', length: 100 }];
const object = { key: 'folder/object.csv.gz', bytes: 100 };
const base = {
  sink: { projectId: 1, branchId: 2, sourceId: 'source', sinkId: 'sink' },
  volumeId: 'volume0001',
  openedAt: '2026-06-24T10:00:00.000Z',
  file: '1/2/source/sink/2026-06-24T10:00:00.000Z',
  sinkVersion: 1,
  codec: 'gzip' as const,
};
const sealed = { ...base, closingAt: 't3', uploadingAt: 't4', parts, figures, acceptedRows: figures.goodRows + figures.damagedRows };
const slices: Readonly<Record<SliceState, Slice>> = {
  writing: { ...base, state: 'writing' },
  closing: { ...base, state: 'closing', closingAt: 't3' },
  uploading: { ...sealed, state: 'uploading' },
  uploaded: { ...sealed, state: 'uploaded', uploadedAt: 't5', isEmpty: false, object, sentRows: figures.goodRows },
};

const events = {
  close: { type: 'close', at: 'now' },
  seal: { type: 'seal', at: 'now', parts, figures },
  sealEmpty: { type: 'seal', at: 'now', parts: [], figures: nothingGood },
  upload: { type: 'upload', at: 'now', object, figures, sentRows: figures.goodRows },
  uploadNothing: { type: 'upload', at: 'now', object: undefined, figures: nothingGood },
  stageAgain: { type: 'stageAgain', at: 'now', staging: 1 },
  keepObject: { type: 'keepObject', staging: 1, because: 'gone' },
  localRemoved: { type: 'localRemoved', at: 'now' },
  failed: { type: 'failed', retry },
} satisfies Record<string, SliceEvent>;
type EventName = keyof typeof events;

const none = {
  close: undefined,
  seal: undefined,
  sealEmpty: undefined,
  upload: undefined,
  uploadNothing: undefined,
  stageAgain: undefined,
  keepObject: undefined,
  localRemoved: undefined,
};
/** The state after each event; where none is named, the state does not know the event. */
const table: Readonly<Record<SliceState, Readonly<Record<EventName, SliceState | undefined>>>> = {
  writing: { ...none, close: 'closing', failed: 'writing' },
  closing: { ...none, seal: 'uploading', sealEmpty: 'uploaded', failed: 'closing' },
  uploading: { ...none, upload: 'uploaded', uploadNothing: 'uploaded', failed: 'uploading' },
  uploaded: { ...none, stageAgain: 'uploading', keepObject: 'uploaded', localRemoved: 'uploaded', failed: undefined },
};

const states = Object.keys(slices) as SliceState[];
const names = Object.keys(events) as EventName[];

test.each(states.flatMap((state) => names.map((name) => [state, name] as const)))('%s, %s', (state, name) => {
  const after = transitionSlice(slices[state], events[name]);
  expect(after?.state).toBe(table[state][name]);
  if (after) expect(sliceSchema.parse(after)).toEqual(after);
});

test('each transition notes its time and facts', () => {
  const { writing, closing, uploading, uploaded } = slices;
  expect(transitionSlice(writing, events.close)).toEqual({ ...closing, closingAt: 'now' });
  expect(transitionSlice(closing, events.seal)).toEqual({ ...uploading, uploadingAt: 'now' });
  expect(transitionSlice(uploading, events.upload)).toEqual({ ...uploaded, uploadedAt: 'now' });
  expect(transitionSlice(uploaded, events.localRemoved)).toEqual({ ...uploaded, localRemovedAt: 'now' });
});

test('a slice without a good row is uploaded at once and has no object; its damage stays counted', () => {
  expect(transitionSlice(slices.closing, events.sealEmpty)).toEqual({
    ...slices.closing,
    state: 'uploaded',
    uploadingAt: 'now',
    uploadedAt: 'now',
    parts: [],
    figures: nothingGood,
    acceptedRows: 3,
    sentRows: 0,
    isEmpty: true,
  });
  const lost = transitionSlice(slices.uploading, events.uploadNothing);
  expect(lost).toMatchObject({ isEmpty: true, figures: nothingGood });
  expect(lost).not.toHaveProperty('object');
});

test('a failure keeps the state, and the next transition forgets it', () => {
  const failed = transitionSlice(slices.uploading, events.failed);
  expect(failed).toEqual({ ...slices.uploading, retry });
  expect(transitionSlice(failed ?? slices.writing, events.upload)).not.toHaveProperty('retry');
});

test('a slice that is staged again keeps what was sent until it is uploaded, and joins a staging once', () => {
  const { uploading, uploaded } = slices;
  const again = transitionSlice(uploaded, events.stageAgain) ?? slices.writing;
  const refused = { object, sentRows: figures.goodRows };
  expect(again).toEqual({ ...uploading, uploadingAt: 'now', staging: 1, refused });
  expect(transitionSlice(again, events.upload), 'of an uploader that began before').toBeUndefined();
  const other = { ...events.upload, staging: 1, object: { key: 'folder/other.csv.gz', bytes: 90, isLinked: true } };
  const after = transitionSlice(again, other) ?? slices.writing;
  expect(after).toEqual({ ...uploaded, uploadingAt: 'now', uploadedAt: 'now', staging: 1, object: other.object });
  expect(transitionSlice(after, events.stageAgain)).toBeUndefined();
  expect(transitionSlice(after, events.keepObject)).toBeUndefined();
  const kept = transitionSlice(again, { ...events.upload, staging: 1, keptBecause: 'gone' }) ?? slices.writing;
  expect(kept).toMatchObject({ state: 'uploaded', object, keptBecause: 'gone' });
  expect(transitionSlice(kept, { ...events.stageAgain, staging: 2 })).not.toHaveProperty('keptBecause');
  expect(transitionSlice(uploaded, events.keepObject)).toEqual({ ...uploaded, staging: 1, keptBecause: 'gone' });
});

test('a slice without an object is not staged again', () => {
  const empty = transitionSlice(slices.closing, events.sealEmpty) ?? slices.writing;
  expect(transitionSlice(empty, events.stageAgain)).toBeUndefined();
  expect(transitionSlice(empty, events.keepObject)).toBeUndefined();
});

test('any sequence of events keeps the schema valid, goes back only to be staged again, and never changes what the slice began with', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names), { maxLength: 20 }), (sequence) => {
      let slice = slices.writing;
      for (const name of sequence) {
        const before = slice;
        const event = events[name];
        const staging = stagingOf(slice);
        const numbered = { upload: staging, stageAgain: staging + 1, keepObject: staging + 1 };
        const named = event.type in numbered ? { ...event, staging: numbered[event.type as keyof typeof numbered] } : event;
        slice = transitionSlice(slice, named) ?? slice;
        expect(sliceSchema.parse(JSON.parse(JSON.stringify(slice)))).toEqual(slice);
        if (name !== 'stageAgain') expect(states.indexOf(slice.state)).toBeGreaterThanOrEqual(states.indexOf(before.state));
        expect(stagingOf(slice)).toBeGreaterThanOrEqual(staging);
        expect(slice).toMatchObject(base);
        if (slice.state === 'uploaded') expect(slice.isEmpty).toBe(slice.object === undefined);
      }
    }),
  );
});
