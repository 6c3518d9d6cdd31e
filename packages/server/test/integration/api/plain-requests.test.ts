import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';
import { RawConnection, rawExchange, requestText } from '../../support/raw-http.ts';

const sources = '/v1/branches/default/sources';
let api: ApiHarness;
beforeEach(async () => {
  api = await ApiHarness.open();
});
afterEach(() => api[Symbol.asyncDispose]());

const errorText = (statusCode: number, error: string, message: string): string =>
  `${JSON.stringify({ statusCode, error: `stream.api.${error}`, message }, null, 2)}\n`;

describe('HEAD', () => {
  it.each(['/', '/v1', '/health-check', '/v1/documentation/', '/v1/documentation/openapi.yaml', sources, `${sources}/none`, '/nothing'])(
    'is answered as GET without the body: %s',
    async (url) => {
      const get = await api.call('GET', url);
      const head = await api.call('HEAD', url);
      expect([head.status, head.text]).toEqual([get.status, '']);
      for (const name of ['content-type', 'content-length', 'location'])
        expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
    },
  );

  it('is no method of what cannot be got, and needs a token where GET does', async () => {
    const answer = await api.call('HEAD', `${sources}/s/disable`);
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'PUT']);
    expect((await api.call('HEAD', sources, { headers: { 'x-storageapi-token': '' } })).status).toBe(400);
  });

  it('leaves the connection whole', async () => {
    const url = await api.listen();
    await using connection = await RawConnection.open(url);
    connection.write(requestText(`${url}/health-check`, { method: 'HEAD' }));
    connection.write(requestText(`${url}/health-check`, { method: 'GET' }));
    // The reader of this test would take the announced body of the first answer from the second.
    await expect.poll(() => connection.received()).toMatch(/^HTTP\/1\.1 200 .*?\r\n\r\nHTTP\/1\.1 200 .*\r\n\r\nOK$/s);
  });
});

describe('OPTIONS', () => {
  it('is answered on every path, with or without what a browser asks', async () => {
    for (const url of ['/', sources, `${sources}/s/sinks/k/versions/1/rollback`, '/nothing', '/v1/tasks/a/b']) {
      const plain = await api.inject({ method: 'OPTIONS', url });
      expect([plain.statusCode, plain.body, plain.headers['access-control-allow-origin']]).toEqual([204, '', undefined]);
      const asked = { origin: 'https://ui.test', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'X-Other' };
      const { headers, statusCode } = await api.inject({ method: 'OPTIONS', url, headers: asked });
      expect([statusCode, headers['access-control-allow-origin'], headers['access-control-allow-methods']]).toEqual([
        204,
        'https://ui.test',
        'GET, POST, PATCH, PUT, DELETE',
      ]);
      expect(headers['access-control-allow-headers']).toBe('Content-Type, X-StorageApi-Token, X-KBC-ProjectId');
    }
  });
});

describe('a slash too many', () => {
  it.each([
    ['GET', `${sources}/s/`, `${sources}/s`],
    ['HEAD', '/v1/', '/v1'],
    ['PUT', `${sources}/s/disable//?x=/`, `${sources}/s/disable?x=/`],
    ['DELETE', `${sources}/s/sinks/k/`, `${sources}/s/sinks/k`],
  ] as const)('leads %s %s to %s', async (method, url, location) => {
    const answer = await api.call(method, url);
    expect([answer.status, answer.headers['location']]).toEqual([301, location]);
  });

  it.each([
    ['PUT', `${sources}/`],
    ['GET', '/nothing/'],
    ['GET', `/${sources}/`],
  ] as const)('leads nowhere where the path without it has no such method: %s %s', async (method, url) => {
    const { status, text } = await api.call(method, url);
    expect([status, text]).toEqual([404, errorText(404, 'endpointNotFound', `No endpoint found for path "${url}".`)]);
  });
});

describe('a body', () => {
  const send = (payload: string | Buffer) => api.call('POST', sources, { payload, headers: { 'content-type': 'application/json' } });

  it('may be nested as deep as any needs, not deeper', async () => {
    const nested = (depth: number) => `{"type":"http","name":"Orders","other":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect((await send(nested(64))).status).toBe(202);
    for (const depth of [65, 5000, 200_000]) {
      expect((await send(nested(depth))).text).toBe(errorText(400, 'decodePayload', 'The body is nested deeper than 64 levels.'));
    }
    const objects = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
    expect((await send(objects)).text).toBe(errorText(400, 'decodePayload', 'The body is nested deeper than 64 levels.'));
  });

  it('is UTF-8', async () => {
    const invalid = Buffer.concat([Buffer.from('{"type":"http","name":"a'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect((await send(invalid)).text).toBe(errorText(400, 'decodePayload', 'The body is not valid UTF-8.'));
    expect((await send(Buffer.from('{"type":"http","name":"Orders"}', 'utf16le'))).body['error']).toBe('stream.api.decodePayload');
  });

  it('has absent fields where they are null, at every depth', async () => {
    const answer = await send('{"type":"http","name":null,"description":null}');
    expect(answer.text).toBe(errorText(400, 'missingField', '"name" is missing from body.'));
    expect((await send('null')).text).toBe(errorText(400, 'decodePayload', 'The body must be a JSON object.'));
  });

  it('cannot reach what objects inherit', async () => {
    const answer = await send('{"__proto__":{"type":"http"},"constructor":1,"name":"Orders"}');
    expect(answer.text).toBe(errorText(400, 'missingField', '"type" is missing from body.'));
  });
});

describe('what is no request', () => {
  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'badRequest', 'The request is no valid HTTP/1.1.'],
    [
      'two lengths',
      'POST /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'badRequest',
      'The request is no valid HTTP/1.1.',
    ],
    [
      'a broken chunk',
      'POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
      'badRequest',
      'The request is no valid HTTP/1.1.',
    ],
    ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'badRequest', 'The request is no valid HTTP/1.1.'],
    ['no host', 'GET /v1 HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'badRequest', 'The header "Host" is missing.'],
    [
      'large headers',
      `GET /v1 HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headerTooLarge',
      'The headers of the request are too large.',
    ],
  ])('is told so: %s', async (_name, bytes, status, error, message) => {
    const url = await api.listen();
    const [answer] = await rawExchange(url, bytes);
    expect(answer).toMatchObject({ status, body: errorText(status, error, message) });
    expect(answer?.headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': expect.stringMatching(/^\d{15}$/) });
    expect((await fetch(`${url}/health-check`)).status).toBe(200);
  });

  it('may expect what it likes, and may be of HTTP/1.0', async () => {
    const url = await api.listen();
    const headers = ['Expect: the-unexpected', 'Connection: close'];
    expect(await rawExchange(url, requestText(`${url}/health-check`, { method: 'GET', headers }))).toMatchObject([
      { status: 200, body: 'OK' },
    ]);
    expect(await rawExchange(url, 'GET /health-check HTTP/1.0\r\n\r\n')).toMatchObject([{ status: 200, body: 'OK' }]);
  });
});

describe('a request that takes too long', () => {
  const times = { headersMs: 150, requestMs: 300, answerMs: 300, lookMs: 20 };
  const timedOut = (message: string) => ({ status: 408, body: errorText(408, 'requestTimeout', message) });

  it.each([
    ['nothing', ''],
    ['half of its headers', 'GET /v1 HTTP/1.1\r\nHost'],
  ])('to send %s is told so and cut off', async (_name, bytes) => {
    await using slow = await ApiHarness.open({ times });
    const answers = await rawExchange(await slow.listen(), bytes);
    expect(answers).toMatchObject([timedOut('The request did not arrive in time.')]);
  });

  it('to send its body is told so and cut off', async () => {
    await using slow = await ApiHarness.open({ times });
    const url = await slow.listen();
    const headers = [`X-StorageApi-Token: ${slow.token}`, 'Content-Type: application/json'];
    const request = requestText(url + sources, { headers }).replace('Content-Length: 0', 'Content-Length: 10');
    const [answer] = await rawExchange(url, request, '{"type"');
    expect(answer?.status).toBe(408);
    expect(answer?.body).toMatch(/"error": "stream\.api\.requestTimeout"/);
  });

  it('to be answered is told so', async () => {
    await using slow = await ApiHarness.open({ times });
    const held = Promise.withResolvers<void>();
    const get = slow.store.get.bind(slow.store);
    slow.store.get = async (key) => {
      await held.promise;
      return get(key);
    };
    expect((await slow.get(sources)).text).toBe(timedOut('The request took too long.').body);
    held.resolve();
    slow.store.get = get;
    expect((await slow.get(sources)).status).toBe(200);
  });
});
