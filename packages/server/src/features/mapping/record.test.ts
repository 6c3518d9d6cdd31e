import { expect, test } from 'vitest';
import { rootNode } from './document/json-document.ts';
import { IngestRecord } from './record.ts';

const record = (contentType: string | undefined, body = '{"a":1}'): IngestRecord =>
  new IngestRecord({
    receivedAt: 0,
    clientIp: '1.2.3.4',
    rawHeaders: contentType === undefined ? [] : ['Content-Type', contentType],
    body: Buffer.from(body),
  });

test.each([
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  [' application/json ;x', 'application/json'],
  [undefined, ''],
])('content type of %j is %j', (header, mediaType) => {
  expect(record(header).contentType).toBe(mediaType);
});

test.each([
  'application/json',
  'APPLICATION/JSON;charset=utf-8',
  'application/ld+json',
  'application/vnd.a-b_c.v1+json',
  'application/a+b+json',
])('reads %s as JSON', (contentType) => {
  expect(record(contentType).document.ok).toBe(true);
});

test.each(['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8'])('reads %s as form', (contentType) => {
  const { document } = record(contentType, 'a[]=1');
  expect(document.ok && Buffer.from(document.document.json(rootNode)).toString()).toBe('{"a":["1"]}');
});

test.each([undefined, '', 'text/json', 'text/plain', 'application/jsonx', 'application/+json', 'application/x-www-form-urlencoded2'])(
  'does not read %j',
  (contentType) => {
    expect(record(contentType).document).toEqual({
      ok: false,
      code: 'unsupportedMediaType',
      reason: `unsupported content type "${contentType ?? ''}", supported types: application/json and application/x-www-form-urlencoded`,
    });
  },
);

test('derives everything once, faults too, until it is told to forget', () => {
  for (const body of ['{"a":1}', '{"a":']) {
    const shared = record('application/json', body);
    const { document, headersJson } = shared;
    expect(shared.document).toBe(document);
    expect(shared.headersJson).toBe(headersJson);

    shared.forgetDerived();
    expect(shared.document).not.toBe(document);
    expect(shared.document.ok).toBe(document.ok);
    expect(shared.headersJson).toEqual(headersJson);
  }
});

test('hides credentials unless told otherwise', () => {
  const parts = { receivedAt: 0, clientIp: '', rawHeaders: ['Cookie', 'c', 'Host', 'h', 'A', 'a'], body: Buffer.alloc(0) };
  expect(new IngestRecord(parts).headersJson.toString()).toBe('{"A":"a"}');
  expect(new IngestRecord({ ...parts, hiddenHeaders: new Set(['a']) }).headersJson.toString()).toBe('{"Cookie":"c"}');
});
