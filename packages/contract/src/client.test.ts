import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Client, type ClientOptions } from './client.ts';
import { apiVersionIndex } from './documentation-operations.ts';
import { operation } from './operation.ts';
import { createSource, deleteSource, getSink, getTask, listSources, testSource } from './operations.ts';
import { sourceStatisticsClear } from './statistics-operations.ts';

interface Sent {
  readonly method: string | undefined;
  readonly url: string;
  readonly headers: object;
  readonly body: unknown;
  readonly redirect: unknown;
}

/** A service that gives the answers in their order, the last one again and again. */
function clientOf(answers: readonly Response[], options: Partial<ClientOptions> = {}) {
  const sent: Sent[] = [];
  const pauses: number[] = [];
  const queue = [...answers];
  const client = new Client({
    apiUrl: 'https://api.test/base/',
    token: 'secret-token',
    async fetch(this: unknown, url, { method, headers = {}, body, redirect } = {}) {
      if (this !== undefined) throw new TypeError('Illegal invocation');
      sent.push({ method, url: String(url), headers: Object(headers), body, redirect });
      const answer = queue.length > 1 ? queue.shift() : queue[0];
      if (answer === undefined) throw new Error('no answer');
      return answer.clone();
    },
    pause: async (delayMs) => void pauses.push(delayMs),
    ...options,
  });
  return { client, sent, pauses };
}

const json = (value: unknown, status = 200) => new Response(`${JSON.stringify(value)}\n`, { status });
const page = { limit: 2, totalCount: 0, afterId: 'a b', lastId: '' };
const started = {
  taskId: 'api.create.source/1/orders/2026-06-24T10:00:00.000Z_aB3dE',
  type: 'api.create.source',
  url: 'https://elsewhere.test/v1/tasks/x',
  status: 'processing',
  isFinished: false,
  createdAt: '2026-06-24T10:00:00.000Z',
};

describe('a call', () => {
  it('goes to the operation, with the token, below the path of the base URL', async () => {
    const { client, sent } = clientOf([json({ projectId: 1, branchId: 2, page, sources: [] })]);
    const answer = await client.call(listSources, { query: { afterId: 'a b', limit: 2 } });
    expect(answer).toEqual({ projectId: 1, branchId: 2, page, sources: [] });
    expect(sent).toEqual([
      {
        method: 'GET',
        url: 'https://api.test/base/v1/branches/default/sources?afterId=a+b&limit=2',
        headers: { 'X-StorageApi-Token': 'secret-token' },
        body: undefined,
        redirect: 'error',
      },
    ]);
  });

  it('names the branch of the call, else of the client', async () => {
    const { client, sent } = clientOf([json({ projectId: 1, branchId: 2, page, sources: [] })], { branchId: '7' });
    await client.call(listSources);
    await client.call(listSources, { params: { branchId: '8' } });
    expect(sent.map(({ url }) => url.slice(21))).toEqual(['/v1/branches/7/sources', '/v1/branches/8/sources']);
  });

  it('sends a body as JSON, and a raw one as it is', async () => {
    const { client, sent } = clientOf([json(started, 202), json({ projectId: 1, branchId: 2, sourceId: 's', tables: [] })]);
    await client.call(createSource, { body: { type: 'http', name: 'Orders' } });
    await client.call(testSource, { params: { sourceId: 's' }, rawBody: { contentType: 'text/plain', text: 'x' } });
    expect(sent.map(({ body }) => body)).toEqual(['{"type":"http","name":"Orders"}', 'x']);
    expect(sent.map(({ headers }) => headers)).toMatchObject([{ 'Content-Type': 'application/json' }, { 'Content-Type': 'text/plain' }]);
  });

  it('takes an empty answer and a text where the operation has one, and drops fields that it does not know', async () => {
    const yaml = operation({ ...apiVersionIndex, answer: z.string(), answerType: 'application/yaml' });
    const detail = { api: 'stream', documentation: 'https://d.test' };
    const { client } = clientOf([new Response('a: 1\n'), new Response(''), json({ ...detail, later: 1 })]);
    expect(await client.call(yaml)).toBe('a: 1\n');
    expect(await client.call(sourceStatisticsClear, { params: { sourceId: 's' } })).toBeUndefined();
    expect(await client.call(apiVersionIndex)).toEqual(detail);
  });

  it('keeps an id in its segment of the path', async () => {
    const { client, sent } = clientOf([json({})]);
    const look = (sinkId: string) => client.call(getSink, { params: { sourceId: 'a/b?', sinkId } }).catch((error: unknown) => error);
    await look('%2e');
    expect(sent[0]?.url.slice(21)).toBe('/v1/branches/default/sources/a%2Fb%3F/sinks/%252e');
    for (const sinkId of ['', '.', '..']) expect(await look(sinkId)).toEqual(new TypeError(`"sinkId" cannot be "${sinkId}".`));
    await expect(client.call(getTask, { params: { taskId: 'a/../b' } })).rejects.toThrow(TypeError);
    expect(sent).toHaveLength(1);
  });

  it('ends with the time for a request, and with the signals of call and client', async () => {
    const ended = (options: Partial<ClientOptions>, signal?: AbortSignal) => {
      const hanging: typeof fetch = (_url, { signal: end } = {}) =>
        new Promise((_resolve, reject) => {
          if (end?.aborted) reject(end.reason);
          end?.addEventListener('abort', () => reject(end.reason));
        });
      return new Client({ apiUrl: 'https://api.test', token: 't', fetch: hanging, ...options }).call(apiVersionIndex, {
        ...(signal && { signal }),
      });
    };
    await expect(ended({ timeoutMs: 1 })).rejects.toMatchObject({ name: 'TimeoutError' });
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(ended({ signal: stopped })).rejects.toThrow('stopped');
    await expect(ended({ signal: new AbortController().signal }, stopped)).rejects.toThrow('stopped');
  });
});

describe('a refusal', () => {
  it('says what the service said', async () => {
    const body = { statusCode: 404, error: 'stream.api.sinkNotFound', message: 'Sink "x" not found in the source.' };
    const { client } = clientOf([json(body, 404)]);
    await expect(client.call(getSink, { params: { sourceId: 's', sinkId: 'x' } })).rejects.toMatchObject({
      name: 'ApiError',
      status: 404,
      body,
      message: `GET /v1/branches/default/sources/s/sinks/x: 404 ${body.error}: ${body.message}`,
    });
  });

  it('may come from somebody else, and an answer may be none of this API', async () => {
    const { client } = clientOf([new Response('<html>', { status: 502 }), new Response('<html>'), json({ api: 1 })]);
    await expect(client.call(apiVersionIndex)).rejects.toMatchObject({ status: 502, body: undefined, message: 'GET /v1: 502 <html>' });
    await expect(client.call(apiVersionIndex)).rejects.toMatchObject({ status: 200, message: 'GET /v1: the answer is no JSON' });
    await expect(client.call(apiVersionIndex)).rejects.toMatchObject({ message: expect.stringContaining('has not the form') });
  });

  it('never shows the token', async () => {
    const { client } = clientOf([new Response('no', { status: 401 })]);
    const error = await client.call(apiVersionIndex).catch((reason: unknown) => reason);
    expect(JSON.stringify([error, String(error), client])).not.toContain('secret-token');
  });
});

describe('a task', () => {
  const finished = { ...started, status: 'success', isFinished: true, finishedAt: started.createdAt, duration: 0, result: 'Done.' };

  it('is looked at until it is finished, less and less often, where the client reaches the service', async () => {
    const { client, sent, pauses } = clientOf([...Array.from({ length: 13 }, () => json(started, 202)), json(finished)]);
    expect(await client.run(createSource, { body: { type: 'http', name: 'Orders' } })).toEqual(finished);
    expect(sent).toHaveLength(14);
    expect(new Set(sent.slice(1).map(({ url }) => decodeURIComponent(url)))).toEqual(
      new Set([`https://api.test/base/v1/tasks/${started.taskId}`]),
    );
    expect(pauses.slice(0, 3)).toEqual([20, 30, 45]);
    expect(pauses.at(-1)).toBe(1000);
  });

  it('that fails rejects with its text', async () => {
    const failed = {
      ...started,
      status: 'error',
      isFinished: true,
      error: 'Source count limit reached in the branch, the maximum is 100.',
    };
    const { client } = clientOf([json(started, 202), json(failed)]);
    await expect(client.run(deleteSource, { params: { sourceId: 's' }, query: { cascade: true } })).rejects.toMatchObject({
      name: 'TaskError',
      message: `api.create.source: ${failed.error}`,
      task: failed,
    });
  });

  it('is not waited for any more once the signal aborts', async () => {
    const stop = new AbortController();
    const client = new Client({
      apiUrl: 'https://api.test',
      token: 't',
      fetch: async () => {
        if (stop.signal.aborted) throw new Error('asked again');
        setTimeout(() => stop.abort(new Error('enough')), 0);
        return json(started, 202);
      },
    });
    await expect(client.finished(started, { signal: stop.signal })).rejects.toThrow('enough');
  });
});
