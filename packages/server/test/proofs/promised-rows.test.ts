import { expect, it } from 'vitest';
import { compareRows, promisesOf } from './promised-rows.ts';

const sinks = ['a', 'b'];
const body = (...errors: (string | undefined)[]) =>
  JSON.stringify({
    sources: [{ sinks: errors.map((error, index) => ({ sinkId: sinks[index], statusCode: 503, ...(error && { error }) })) }],
  });

it.each([
  [{ status: 200, mark: undefined, body: 'OK' }, ['stored', 'stored']],
  [{ status: 200, mark: 'none', body: 'OK' }, ['absent', 'absent']],
  [{ status: 422, mark: undefined, body: '{}' }, ['absent', 'absent']],
  [{ status: 503, mark: 'none', body: '{}' }, ['absent', 'absent']],
  [{ status: 503, mark: 'partial', body: body(undefined, 'stream.in.diskFailed') }, ['stored', 'absent']],
  [{ status: 503, mark: 'unknown', body: body('stream.in.appendInDoubt', undefined) }, ['unknown', 'stored']],
  [{ status: 500, mark: 'unknown', body: '{"statusCode":500}' }, ['unknown', 'unknown']],
])('reads %o', (answer, expected) => {
  expect([...(promisesOf(answer, sinks)?.values() ?? [])]).toEqual(expected);
});

it('takes a 5xx that does not say what is stored for a breach', () => {
  expect(promisesOf({ status: 503, mark: undefined, body: '{}' }, sinks)).toBeUndefined();
  expect(promisesOf({ status: 503, mark: 'partial', body: '{}' }, sinks)).toBeUndefined();
});

it('finds lost, doubled and phantom rows', () => {
  const promises = new Map([
    [1, 'stored'],
    [2, 'stored'],
    [3, 'absent'],
    [4, 'unknown'],
    [5, 'unknown'],
    [6, 'stored'],
  ] as const);
  expect(compareRows(promises, [2, 3, 4, 5, 5, 6, 6, 7])).toEqual({ lost: [1], doubled: [5, 6], phantom: [3, 7] });
  expect(compareRows(promises, [1, 2, 4, 6])).toEqual({ lost: [], doubled: [], phantom: [] });
});
