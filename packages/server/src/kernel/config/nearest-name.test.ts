import { expect, test } from 'vitest';
import { didYouMean, nearestName } from './nearest-name.ts';

test.each([
  ['sorce-http-listen', 'source-http-listen'],
  ['source-http-listne', 'source-http-listen'],
  ['lst', 'list'],
  ['something-else', undefined],
  ['x', undefined],
])('%s means %s', (name, meant) => {
  expect(nearestName(name, ['list', 'source-http-listen', 'source-http-url'])).toBe(meant);
});

test('the advice names it', () => {
  expect(didYouMean('list', 'look it up')).toBe('did you mean list?');
  expect(didYouMean(undefined, 'look it up')).toBe('look it up');
});
