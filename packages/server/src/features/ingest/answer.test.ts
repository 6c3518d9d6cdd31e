import { createServer, type ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { listen } from '../../kernel/lifecycle/listen.ts';
import { answerAllow, answerError, answerHealth, answerMethodNotAllowed, answerPreflight, answerResult, answerText } from './answer.ts';
import type { WriteResult } from './write-result.ts';

/** What a client hears of the answer. */
async function heard(answer: (response: ServerResponse) => unknown) {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    answer(response);
  });
  const { port } = await listen(server, { at: { host: '127.0.0.1', port: 0 }, name: 'answers' });
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' });
  const text = await response.text();
  server.close();
  server.closeAllConnections();
  return { status: response.status, headers: Object.fromEntries(response.headers), text };
}

const result = (given: Partial<WriteResult> = {}): WriteResult => ({
  status: 200,
  failed: false,
  stored: undefined,
  body: () => ({ a: '<&>\u2028' }),
  ...given,
});
const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' };
const server = { server: 'Sluice/HTTPSource' };
const json = { 'content-type': 'application/json' };
const bodyText = '{\n  "a": "\\u003c\\u0026\\u003e\\u2028"\n}\n';

test('OK', async () => {
  const { status, headers, text } = await heard((response) => answerResult(response, result(), false));
  expect([status, text]).toEqual([200, 'OK']);
  expect(headers).toMatchObject({ ...server, ...cors, 'content-type': 'text/plain', 'content-length': '2' });
  expect(headers).not.toHaveProperty('x-sluice-stored');
  expect(headers).not.toHaveProperty('date');
});

test.each([
  ['verbose', result(), true, 200, bodyText, json],
  ['nothing stored', result({ stored: 'none' }), false, 200, 'OK', { 'x-sluice-stored': 'none' }],
  ['nothing stored, verbose', result({ stored: 'none' }), true, 200, bodyText, { ...json, 'x-sluice-stored': 'none' }],
  ['refused', result({ status: 422, failed: true }), false, 422, bodyText, json],
  [
    'partial',
    result({ status: 503, failed: true, stored: 'partial' }),
    false,
    503,
    bodyText,
    { ...json, 'x-sluice-stored': 'partial', 'retry-after': '1' },
  ],
  [
    'disk full',
    result({ status: 503, failed: true, stored: 'none', retryAfterSeconds: 9 }),
    false,
    503,
    bodyText,
    { ...json, 'x-sluice-stored': 'none', 'retry-after': '9' },
  ],
  [
    'in doubt',
    result({ status: 503, failed: true, stored: 'unknown' }),
    true,
    503,
    bodyText,
    { 'x-sluice-stored': 'unknown', 'retry-after': '1' },
  ],
] as const)('%s', async (_name, given, verbose, status, text, headers) => {
  const answer = await heard((response) => answerResult(response, given, verbose));
  expect(answer).toMatchObject({ status, text, headers: { ...server, ...cors, ...headers } });
  expect('retry-after' in answer.headers).toBe(status === 503);
  expect('x-sluice-stored' in answer.headers).toBe('x-sluice-stored' in headers);
});

test('the body of a result is only built when it is sent', async () => {
  const body = () => {
    throw new Error('built');
  };
  expect((await heard((response) => answerResult(response, result({ body }), false))).text).toBe('OK');
});

test('errors: a sentence, the name, and an exception id from 500 on', async () => {
  const refused = await heard((response) => answerError(response, { code: 'badRequest', message: 'invalid project ID "<b>"' }));
  expect(refused).toMatchObject({ status: 400, headers: { ...server, ...cors, ...json } });
  expect(refused.text).toContain('"message": "Invalid project ID \\"\\u003cb\\u003e\\"."');
  expect(JSON.parse(refused.text)).toEqual({ statusCode: 400, error: 'stream.in.badRequest', message: 'Invalid project ID "<b>".' });
  expect(refused.headers).not.toHaveProperty('x-sluice-stored');

  let id: string | undefined;
  const failed = await heard((response) => {
    id = answerError(response, { code: 'overloaded', message: 'full', close: true });
  });
  expect(failed).toMatchObject({ status: 503, headers: { 'x-sluice-stored': 'none', 'retry-after': '1', connection: 'close' } });
  expect(id).toMatch(/^keboola-stream-\w{15}$/);
  expect(JSON.parse(failed.text)).toEqual({ statusCode: 503, error: 'stream.in.overloaded', message: 'Full.', exceptionId: id });

  const bug = await heard((response) => answerError(response, { code: 'internalError', message: 'x', stored: 'unknown' }));
  expect(bug).toMatchObject({ status: 500, headers: { 'x-sluice-stored': 'unknown' } });
  expect(bug.headers).not.toHaveProperty('retry-after');
});

test('health, preflight, other methods', async () => {
  expect(await heard(answerHealth)).toMatchObject({ status: 200, text: 'OK\n', headers: { ...server, 'content-type': 'text/plain' } });
  expect(await heard((response) => answerAllow(response, 'GET, OPTIONS'))).toMatchObject({
    status: 200,
    text: '',
    headers: { ...server, allow: 'GET, OPTIONS' },
  });
  expect(await heard((response) => answerMethodNotAllowed(response))).toMatchObject({
    status: 405,
    text: '',
    headers: { ...server, allow: 'OPTIONS, POST' },
  });
  expect(await heard((response) => answerPreflight(response, '*'))).toMatchObject({
    status: 200,
    text: '',
    headers: {
      ...server,
      ...cors,
      allow: 'OPTIONS, POST',
      'access-control-allow-methods': 'OPTIONS, POST',
      'access-control-allow-headers': '*',
    },
  });
});

test('the text of an answer that ends its connection', () => {
  const body = '{\n  "statusCode": 400,\n  "error": "stream.in.badRequest",\n  "message": "Žluť."\n}\n';
  expect(answerText('HTTP/1.1 400 Bad Request', { code: 'badRequest', message: 'žluť.' })).toBe(
    [
      ...['HTTP/1.1 400 Bad Request', 'Server: Sluice/HTTPSource', 'Content-Type: application/json', 'Access-Control-Allow-Origin: *'],
      ...['Access-Control-Expose-Headers: *', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', '', body],
    ].join('\r\n'),
  );
});
