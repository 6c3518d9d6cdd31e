import type { Operation } from '@sluice/contract/operation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { quarantineOperations } from '../../../src/features/storage/quarantine-operations.ts';
import { zeroFigures } from '../../../src/features/storage/state/figures.ts';
import { statisticsOperations } from '../../../src/features/storage/statistics-operations.ts';
import { ApiHarness } from '../../support/api-harness.ts';
import { contractOperations } from '../../support/contract-operations.ts';
import { assertDocumented } from '../../support/documented-answers.ts';
import { silentLogger } from '../../support/silent-logger.ts';

/**
 * What holds for each operation of the contract, those that are still to come included. What an operation answers is compared with its
 * schema by the harness.
 */

const table = { type: 'keboola', tableId: 'in.c-orders.raw', mapping: { columns: [{ type: 'body', name: 'raw' }] } };
const file = '1/1/s/k/2026-06-24T09:00:00.000Z';
const settings = [{ key: 'storage.level.staging.upload.trigger.count', value: 5 }];
const bodies: Readonly<Record<string, object>> = {
  CreateSource: { type: 'http', name: 'new' },
  UpdateSource: { name: 'other' },
  UpdateSourceSettings: { settings },
  CreateSink: { type: 'table', name: 'new', table },
  UpdateSink: { name: 'other' },
  UpdateSinkSettings: { settings },
  RetryQuarantinedFile: { file },
  DiscardQuarantinedFile: { file },
};

const view = { filesOf: () => [], slicesOf: () => [], figures: () => zeroFigures, sinkSum: () => zeroFigures };
const settled = (state: string) => async (name: string) => ({ file: name, rows: 2, state });
const quarantine = { list: () => [], retry: settled('importing'), discard: settled('discarded') };

/** A service with the source `s`, the sink `k` in it, and one version of each. */
async function openTree(): Promise<ApiHarness> {
  const api = await ApiHarness.open({
    furtherOperations: ({ store, clock }) => [
      ...statisticsOperations({ store, clock, view: view as never, logger: silentLogger }),
      ...quarantineOperations({ store, quarantine: quarantine as never }),
    ],
  });
  const sources = '/v1/branches/default/sources';
  await api.create(sources, { type: 'http', name: 's' });
  await api.create(`${sources}/s/sinks`, { type: 'table', name: 'k', table });
  return api;
}

type Named = readonly [id: string, operation: Operation];
const named = (isMeant: (operation: Operation) => boolean): Named[] =>
  contractOperations.filter(isMeant).map((operation) => [operation.id, operation]);
const secured = named(({ access }) => access !== 'public');
const below = (parameter: string) => named(({ path }) => path.includes(`{${parameter}}`));
const queryOf = ({ query }: Operation): readonly string[] => (query instanceof z.ZodObject ? Object.keys(query.shape) : []);
const withQuery = (name: string) => named((operation) => queryOf(operation).includes(name));

type Params = Readonly<Record<string, string>>;
const known: Params = { branchId: 'default', sourceId: 's', sinkId: 'k', versionNumber: '1', taskId: 'a/b' };
const urlOf = ({ path }: Operation, params: Params = {}): string =>
  path.replaceAll(/\{(\w+)(?:\.\.\.)?\}/g, (_whole, name: string) => ({ ...known, ...params })[name] ?? '');

interface Change {
  readonly params?: Params;
  readonly query?: string;
  readonly token?: string;
  readonly payload?: string;
  readonly contentType?: string;
}

function bodyOf({ id, body }: Operation): string | undefined {
  if (body === undefined) return undefined;
  if (!(id in bodies)) throw new Error(`${id} needs a body in this test`);
  return JSON.stringify(bodies[id]);
}

/** The operation on the tree, right but for the change. */
async function request(api: ApiHarness, operation: Operation, { params, query, token, payload, contentType }: Change = {}) {
  const body = payload ?? bodyOf(operation);
  return api.call(operation.method, urlOf(operation, params) + (query === undefined ? '' : `?${query}`), {
    headers: { 'x-storageapi-token': token ?? api.token, ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }) },
    ...(body !== undefined && { payload: body }),
  });
}

const errorText = (statusCode: number, error: string, message: string): string =>
  `${JSON.stringify({ statusCode, error, message }, null, 2)}\n`;
const badRequest = (name: string, message: string): string => errorText(400, `stream.api.${name}`, message);

describe('every operation', () => {
  let api: ApiHarness;
  let revision = 0;
  beforeAll(async () => {
    api = await openTree();
    revision = await api.store.revision();
  });
  afterAll(async () => {
    // Whatever was refused changed nothing.
    expect(await api.store.revision()).toBe(revision);
    await api[Symbol.asyncDispose]();
  });
  const textOf = async (operation: Operation, change: Change) => (await request(api, operation, change)).text;

  it.each(secured)('wants a token: %s', async (_id, operation) => {
    expect(await textOf(operation, { token: '' })).toBe(badRequest('missingField', '"X-StorageApi-Token" is missing from header.'));
    expect(await textOf(operation, { token: 'nonsense' })).toBe(errorText(401, 'storage.tokenInvalid', 'Invalid access token.'));
  });

  it.each(named(({ access }) => access === 'write'))('that writes wants a token that may: %s', async (_id, operation) => {
    expect(operation.errors).toContain('stream.api.forbidden');
    const message = 'Only admin token can do write operations on streams.';
    expect(await textOf(operation, { token: api.readToken })).toBe(errorText(403, 'stream.api.forbidden', message));
  });

  it.each(below('branchId'))('is one of the default branch, which is told before the role: %s', async (_id, operation) => {
    const as = { token: api.readToken };
    expect(await textOf(operation, { ...as, params: { branchId: 'abc' } })).toBe(
      badRequest('badRequest', 'Invalid branch: expected "default" or <int>, given "abc".'),
    );
    expect(await textOf(operation, { ...as, params: { branchId: '999' } })).toBe(
      badRequest('badRequest', 'Currently only default branch is supported, branch "999" is not default.'),
    );
  });

  const messages: Readonly<Record<string, string>> = {
    'stream.api.sourceNotFound': 'Source "none" not found in the branch.',
    'stream.api.deletedSourceNotFound': 'Deleted source "none" not found in the branch.',
    'stream.api.sinkNotFound': 'Sink "none" not found in the source.',
    'stream.api.deletedSinkNotFound': 'Deleted sink "none" not found in the source.',
  };
  /** The first of its errors that says so. */
  const missing = ({ errors }: Operation, what: RegExp): string => {
    const name = errors.find((error) => error in messages && what.test(error)) ?? 'not declared';
    return errorText(404, name, messages[name] ?? '');
  };

  it.each(below('sourceId'))('below a source tells that there is none: %s', async (_id, operation) => {
    expect(await textOf(operation, { params: { sourceId: 'none', sinkId: 'none' } })).toBe(missing(operation, /NotFound/));
  });

  it.each(below('sinkId'))('below a sink tells that there is none: %s', async (_id, operation) => {
    expect(await textOf(operation, { params: { sinkId: 'none' } })).toBe(missing(operation, /inkNotFound/));
  });

  it.each(below('versionNumber'))('on a version tells that there is none, and what is no number: %s', async (_id, operation) => {
    const [kind, id, parent] = operation.path.includes('{sinkId}') ? ['sink', 's/k', 'source'] : ['source', 's', 'branch'];
    const shown = id.split('/').at(-1);
    const label = kind === 'sink' ? 'Sink' : 'Source';
    expect(await textOf(operation, { params: { versionNumber: '12345' } })).toBe(
      errorText(404, `stream.api.${kind}VersionNotFound`, `${label} version "${shown}/0000012345" not found in the ${parent}.`),
    );
    const range = 'versionNumber must be greater or equal than 1 but got value 0';
    const type = 'Invalid value "asfasf" for "versionNumber", must be a integer';
    expect(await textOf(operation, { params: { versionNumber: 'asfasf' } })).toBe(badRequest('invalidFieldType', `${type}; ${range}.`));
    expect(await textOf(operation, { params: { versionNumber: '0' } })).toBe(badRequest('invalidRange', `V${range.slice(1)}.`));
  });

  it.each(below('sourceId'))('tells an id that is too long: %s', async (_id, operation) => {
    const long = 'ž'.repeat(49);
    const message = `length of sourceId must be lesser or equal than 48 but got value "${long}" (len=49)`;
    const params = { sourceId: encodeURIComponent(long) };
    expect(await textOf(operation, { params })).toBe(badRequest('invalidLength', `L${message.slice(1)}`));
    // All that is wrong beside the body is told together, under the name of the first.
    expect(await textOf(operation, { params, token: '' })).toBe(
      badRequest('invalidLength', `L${message.slice(1)}; "X-StorageApi-Token" is missing from header.`),
    );
  });

  it.each(withQuery('limit'))('that lists has pages of 1 to 100: %s', async (_id, operation) => {
    const text = (limit: string) => textOf(operation, { query: `limit=${limit}` });
    expect(await text('0')).toBe(badRequest('invalidRange', 'Limit must be greater or equal than 1 but got value 0.'));
    expect(await text('101')).toBe(badRequest('invalidRange', 'Limit must be lesser or equal than 100 but got value 101.'));
    expect(await text('x')).toBe(
      badRequest(
        'invalidFieldType',
        'Invalid value "x" for "limit", must be a integer; limit must be greater or equal than 1 but got value 0.',
      ),
    );
    for (const query of ['limit=100', 'limit=', 'limit=1&afterId=x']) expect((await request(api, operation, { query })).status).toBe(200);
  });

  it.each([...withQuery('cascade'), ...withQuery('failedFiles')])('takes a truth value as one: %s', async (_id, operation) => {
    const [name = ''] = queryOf(operation);
    expect(await textOf(operation, { query: `${name}=maybe` })).toBe(
      badRequest('invalidFieldType', `Invalid value "maybe" for "${name}", must be a boolean.`),
    );
  });

  it.each(withQuery('signal'))('takes a signal as one: %s', async (_id, operation) => {
    expect(await textOf(operation, { query: 'signal=x' })).toBe(
      badRequest('invalidEnumValue', 'Value of signal must be one of "logs", "metrics", "traces" but got value "x".'),
    );
  });

  it.each(named(({ body }) => body !== undefined))('with a body reads it before anything else: %s', async (_id, operation) => {
    const text = (change: Change) => textOf(operation, { ...change, token: '', params: { branchId: 'abc' } });
    expect(await text({ payload: '' })).toBe(badRequest('missingPayload', 'Missing required payload.'));
    expect(await text({ payload: '[]' })).toBe(badRequest('decodePayload', 'The body must be a JSON object.'));
    expect(await text({ payload: '{}', contentType: 'text/plain' })).toBe(
      badRequest('unsupportedMediaType', 'Unsupported media type text/plain.'),
    );
  });

  it.each(secured.filter(([, { method }]) => method !== 'GET'))('takes no more than 1 MB: %s', async (_id, operation) => {
    expect(await textOf(operation, { payload: ' '.repeat(1_048_577), contentType: 'x/y' })).toBe(
      errorText(413, 'stream.api.bodyTooLarge', 'The request body is over the limit of 1048576 bytes.'),
    );
  });

  it.each(named(({ access }) => access !== 'public'))('has a path that tells its methods: %s', async (_id, operation) => {
    const url = urlOf(operation);
    const isHere = ({ path }: Operation) => new RegExp(`^${path.replace(/\{\w+\.{3}\}/, '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(url);
    const taken = [...new Set(contractOperations.filter(isHere).map(({ method }) => method))];
    const other = (['PUT', 'PATCH', 'DELETE', 'POST'] as const).find((method) => !taken.includes(method)) ?? 'GET';
    const answer = await api.call(other, url);
    expect(answer.text).toBe(errorText(405, 'stream.api.methodNotAllowed', `Method "${other}" is not allowed for the path "${url}".`));
    const methods = taken.flatMap((method) => (method === 'GET' ? [method, 'HEAD'] : [method]));
    expect(String(answer.headers['allow']).split(', ').sort()).toEqual(methods.sort());
  });
});

it.each(named(({ id }) => id !== 'GetTask'))('%s is answered on a connection as documented', async (_id, operation) => {
  await using api = await openTree();
  if (operation.errors.includes('stream.api.deletedSourceNotFound')) await api.change('DELETE', '/v1/branches/1/sources/s');
  if (operation.errors.includes('stream.api.deletedSinkNotFound')) await api.change('DELETE', '/v1/branches/1/sources/s/sinks/k');
  const { method } = operation;
  const url = urlOf(operation);
  const body = bodyOf(operation);
  const response = await fetch((await api.listen()) + url, {
    method,
    redirect: 'manual',
    headers: { 'x-storageapi-token': api.token, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const { status, headers } = response;
  assertDocumented({ method, url, status, text, contentType: headers.get('content-type') ?? undefined });
  expect([status, headers.get('content-length')]).toEqual([operation.status, String(Buffer.byteLength(text))]);
  expect(headers.get('x-request-id')).toMatch(/^\d{15}$/);
  if (status === 202) {
    const task = await api.finished({ status, text, body: JSON.parse(text), headers: {} });
    expect(task.body).toMatchObject({ status: 'success' });
  }
});
