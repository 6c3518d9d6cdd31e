import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Slice, type SliceEvent, type SliceState, sliceSchema, transitionSlice } from './slice.ts';

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
  localRemoved: undefined,
};
/** The state after each event; where none is named, the state does not know the event. */
const table: Readonly<Record<SliceState, Readonly<Record<EventName, SliceState | undefined>>>> = {
  writing: { ...none, close: 'closing', failed: 'writing' },
  closing: { ...none, seal: 'uploading', sealEmpty: 'uploaded', failed: 'closing' },
  uploading: { ...none, upload: 'uploaded', uploadNothing: 'uploaded', failed: 'uploading' },
  uploaded: { ...none, localRemoved: 'uploaded', failed: undefined },
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

test('any sequence of events keeps the schema valid, only goes forward, and never changes what the slice began with', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names), { maxLength: 12 }), (sequence) => {
      let slice = slices.writing;
      for (const name of sequence) {
        const before = slice;
        slice = transitionSlice(slice, events[name]) ?? slice;
        expect(sliceSchema.parse(JSON.parse(JSON.stringify(slice)))).toEqual(slice);
        expect(states.indexOf(slice.state)).toBeGreaterThanOrEqual(states.indexOf(before.state));
        expect(slice).toMatchObject(base);
        if (slice.state === 'uploaded') expect(slice.isEmpty).toBe(slice.object === undefined);
      }
    }),
  );
});
