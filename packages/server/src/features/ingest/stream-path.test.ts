import { expect, test } from 'vitest';
import { bearerSecret, isVerbose, parseStreamPath, sourceParameter } from './stream-path.ts';

const stream = (project: string, sourceId: string, secret: string | undefined) => ({ type: 'stream', project, sourceId, secret });

test.each([
  ['/stream/1/events/s3cret', stream('1', 'events', 's3cret')],
  ['/stream/1/events/s3cret?a=/x/../y', stream('1', 'events', 's3cret')],
  ['/stream/1/events', stream('1', 'events', undefined)],
  ['/stream/1/events/', stream('1', 'events', '')],
  ['//stream///1/events//s3cret', stream('1', 'events', 's3cret')],
  ['/x/../stream/./1/events/s3cret', stream('1', 'events', 's3cret')],
  ['/../../stream/1/events/s3cret', stream('1', 'events', 's3cret')],
  ['/str%65am/%31/my%20events/%C5%BE', stream('1', 'my events', 'ž')],
  ['/stream/1/events/a%2Fb', stream('1', 'events', 'a/b')],
  ['/stream/1/events/100%', stream('1', 'events', '100%')],
  ['http://host:7000/stream/1/events/s3cret', stream('1', 'events', 's3cret')],
  ['HTTPS://host/stream/1/events/s3cret?x', stream('1', 'events', 's3cret')],
  ['/stream/foo/events/s3cret', stream('foo', 'events', 's3cret')],
  ['/health-check', { type: 'health' }],
  ['//health-check?x', { type: 'health' }],
  ['/v1/data', { type: 'data' }],
  ['//v1/./data?source=1/events', { type: 'data' }],
  ['/v1/data/', { type: 'unknown' }],
  ['/v1/data/x', { type: 'unknown' }],
  ['/v1', { type: 'unknown' }],
  ['/health-check/', { type: 'unknown' }],
  ['/stream/1/events/s3cret/', { type: 'unknown' }],
  ['/stream/1', { type: 'unknown' }],
  ['/Stream/1/events/s3cret', { type: 'unknown' }],
  ['/', { type: 'unknown' }],
  ['', { type: 'unknown' }],
  ['*', { type: 'unknown' }],
  ['ftp://host/stream/1/events/s3cret', { type: 'unknown' }],
])('%s', (url, expected) => {
  expect(parseStreamPath(url)).toEqual(expected);
});

test.each([
  ['/x?verbose=true', true],
  ['/x?a=b&verbose=true&c', true],
  ['/x?verbose=TRUE', false],
  ['/x?verbose=true1', false],
  ['/x?xverbose=true', false],
  ['/x?verbose', false],
  ['/x/verbose=true', false],
])('%s is verbose: %s', (url, expected) => {
  expect(isVerbose(url)).toBe(expected);
});

test.each([
  ['Bearer s3cret', 's3cret'],
  ['bEARER s3cret', 's3cret'],
  ['Bearer  s3cret', ' s3cret'],
  ['Bearer', ''],
  ['Basic s3cret', ''],
  ['s3cret', ''],
])('the secret of "%s" is "%s"', (header, expected) => {
  expect(bearerSecret(header)).toBe(expected);
});

test.each([
  ['/v1/data', undefined],
  ['/v1/data?sources=1/a', undefined],
  ['/v1/data?source', ''],
  ['/v1/data?source=1/a&source=1/b', '1/a'],
  ['/v1/data?x=%zz&source=1%2Fmy+events', '1/my events'],
])('the source in %s is %s', (url, expected) => {
  expect(sourceParameter(url)).toBe(expected);
});
