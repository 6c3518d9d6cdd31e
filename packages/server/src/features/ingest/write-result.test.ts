import { describe, expect, test } from 'vitest';
import { sinkFixture, sourceFixture } from '../../../test/support/definition-fixture.ts';
import type { SinkOutcome } from './sink-router.ts';
import { summarizeOutcomes } from './write-result.ts';

const source = (branchId: number) => sourceFixture({ branchId });
const sink = (sinkId: string) => sinkFixture({ sinkId });

type Outcome = SinkOutcome['outcome'];
const stored: Outcome = { type: 'stored' };
const accepted: Outcome = { type: 'accepted' };
const gone: Outcome = { type: 'gone' };
const refused: Outcome = { type: 'refused', code: 'diskFull', reason: 'the volume has no room' };
const inDoubt: Outcome = { type: 'inDoubt', reason: 'EIO' };
const withheld: Outcome = { type: 'withheld' };
const missing: Outcome = {
  type: 'fault',
  fault: { ok: false, column: 'id', code: 'unprocessableContent', reason: 'path "id" not found in the body' },
};
const tooBig: Outcome = { type: 'fault', fault: { ok: false, column: 'body', code: 'payloadTooLarge', reason: 'too big' } };

const resultOf = (...outcomes: readonly Outcome[]) =>
  summarizeOutcomes([{ source: source(1), sinks: outcomes.map((outcome, index) => ({ sink: sink(`sink-${index}`), outcome })) }]);

test.each([
  ['all stored', [stored, stored], 200, undefined],
  ['no sink', [], 200, 'none'],
  ['all gone meanwhile: as if there had been none', [gone, gone], 200, 'none'],
  ['stored, another gone', [stored, gone], 200, undefined],
  ['accepted', [accepted], 202, undefined],
  ['accepted, another stored', [stored, accepted], 202, undefined],
  ['accepted, another refused: nobody knows yet', [accepted, refused], 503, 'unknown'],
  ['a client fault', [missing, withheld], 422, undefined],
  ['two client faults: the larger status', [tooBig, missing, withheld], 422, undefined],
  ['refused everywhere', [refused, refused], 503, 'none'],
  ['refused, another gone', [refused, gone], 503, 'none'],
  ['refused in one', [stored, refused], 503, 'partial'],
  ['in doubt', [inDoubt], 503, 'unknown'],
  ['in doubt, another stored', [stored, inDoubt], 503, 'unknown'],
  ['in doubt, another refused', [refused, inDoubt], 503, 'unknown'],
] as const)('%s', (_name, outcomes, status, mark) => {
  const result = resultOf(...outcomes);
  expect([result.status, result.failed, result.stored]).toEqual([status, status >= 300, mark]);
  expect(result.body()).toMatchObject({ statusCode: status, sources: [{ statusCode: status }] });
});

describe('the body', () => {
  const messageOf = (...outcomes: readonly Outcome[]) => {
    const { error, message } = { error: undefined, message: undefined, ...resultOf(...outcomes).body() };
    return [error, message];
  };

  test('a sink whose clients do not wait says accepted', () => {
    expect(resultOf(stored, accepted).body()).toMatchObject({
      statusCode: 202,
      message: 'Successfully written to 2/2 sinks.',
      sources: [
        {
          statusCode: 202,
          sinks: [
            { statusCode: 200, message: 'processed' },
            { sinkId: 'sink-1', statusCode: 202, message: 'accepted' },
          ],
        },
      ],
    });
  });

  test('messages count the sinks that are there', () => {
    expect(messageOf(stored, stored, gone)).toEqual([undefined, 'Successfully written to 2/2 sinks.']);
    expect(messageOf(stored, refused, inDoubt)).toEqual(['stream.in.writeFailed', 'Written to 1/3 sinks.']);
    expect(messageOf(gone)).toEqual([undefined, 'No enabled sink found.']);
    expect(messageOf()).toEqual([undefined, 'No enabled sink found.']);
  });

  test('each sink says what became of the record', () => {
    expect(resultOf(stored, refused, inDoubt).body()).toEqual({
      statusCode: 503,
      error: 'stream.in.writeFailed',
      message: 'Written to 1/3 sinks.',
      sources: [
        {
          projectId: 1,
          sourceId: 'events',
          branchId: 1,
          statusCode: 503,
          error: 'stream.in.writeFailed',
          message: 'Written to 1/3 sinks.',
          sinks: [
            { sinkId: 'sink-0', statusCode: 200, message: 'processed' },
            { sinkId: 'sink-1', statusCode: 503, error: 'stream.in.diskFull', message: 'Not stored: the volume has no room.' },
            {
              sinkId: 'sink-2',
              statusCode: 503,
              error: 'stream.in.appendInDoubt',
              message: 'It is not known whether the record is stored; sending it again may store it twice.',
            },
          ],
        },
      ],
    });
    expect(resultOf(missing, withheld).body()).toMatchObject({
      sources: [
        {
          sinks: [
            {
              statusCode: 422,
              error: 'stream.in.unprocessableContent',
              message: 'Invalid value for column "id": path "id" not found in the body.',
            },
            { statusCode: 422, error: 'stream.in.requestRefused', message: 'Not stored, because another sink cannot take the record.' },
          ],
        },
      ],
    });
  });

  test('a sink that is gone is not shown; a source without any shows no list', () => {
    expect(resultOf(stored, gone).body()).toMatchObject({ sources: [{ sinks: [{ sinkId: 'sink-0' }] }] });
    expect(resultOf(gone).body()).toEqual({
      statusCode: 200,
      message: 'No enabled sink found.',
      sources: [{ projectId: 1, sourceId: 'events', branchId: 1, statusCode: 200, message: 'No enabled sink found.' }],
    });
    expect(summarizeOutcomes([]).body()).toEqual({ statusCode: 200, message: 'No enabled sink found.' });
  });

  test('branches and sinks are sorted as text; each branch has its own status, the top the largest', () => {
    const result = summarizeOutcomes([
      { source: source(999), sinks: ['b', 'a', 'B', '10', '9'].map((id) => ({ sink: sink(id), outcome: stored })) },
      { source: source(1000), sinks: [{ sink: sink('x'), outcome: refused }] },
      { source: source(5), sinks: [] },
    ]);
    expect(result).toMatchObject({ status: 503, stored: 'partial' });
    expect(result.body()).toMatchObject({
      statusCode: 503,
      message: 'Written to 5/6 sinks.',
      sources: [
        { branchId: 1000, statusCode: 503, error: 'stream.in.writeFailed', message: 'Written to 0/1 sinks.' },
        { branchId: 5, statusCode: 200, message: 'No enabled sink found.' },
        { branchId: 999, statusCode: 200, sinks: [{ sinkId: '10' }, { sinkId: '9' }, { sinkId: 'B' }, { sinkId: 'a' }, { sinkId: 'b' }] },
      ],
    });
  });
});
