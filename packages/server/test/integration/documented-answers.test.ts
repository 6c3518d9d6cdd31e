import { describe, expect, it } from 'vitest';
import { assertDocumented } from '../support/documented-answers.ts';

const contentType = 'application/json';
const url = '/v1/branches/default/sources?limit=5';
const page = '"page":{"limit":5,"totalCount":0,"afterId":"","lastId":""}';
const good = { method: 'GET', url, status: 200, text: `{"projectId":1,"branchId":1,${page},"sources":[]}\n`, contentType };
const errorOf = (body: object, status = 404) => ({
  ...good,
  url: '/v1/branches/1/sources/s',
  status,
  text: `${JSON.stringify(body, null, 2)}\n`,
});
const missing = { statusCode: 404, error: 'stream.api.sourceNotFound', message: 'Source "s" not found in the branch.' };

describe('the check of answers', () => {
  it.each([
    ['an answer', good],
    ['an error', errorOf(missing)],
    ['an error of the router', errorOf({ ...missing, error: 'stream.api.endpointNotFound' })],
    ['a failure', errorOf({ statusCode: 500, error: 'stream.api.internalError', message: 'x', exceptionId: 'y' }, 500)],
    ['a refusal of another system', errorOf({ statusCode: 401, error: 'storage.tokenInvalid', message: 'x', exceptionId: 'y' }, 401)],
    ['a preflight', { ...good, method: 'OPTIONS', status: 204, text: '', contentType: undefined }],
    ['a plain path', { ...good, url: '/health-check', text: 'OK', contentType: 'text/plain' }],
    ['an empty body', { ...good, method: 'DELETE', url: '/v1/branches/1/sources/s/statistics/clear', text: '', contentType: undefined }],
    ['HEAD', { ...good, method: 'HEAD', text: '' }],
  ])('takes %s', (_name, answer) => {
    assertDocumented(answer);
  });

  it.each([
    [
      'fields in another order',
      { ...good, text: `{"branchId":1,"projectId":1,${page},"sources":[]}\n` },
      'fields are not as ListSources documents them',
    ],
    ['a field more', { ...good, text: `{"projectId":1,"branchId":1,${page},"sources":[],"x":1}\n` }, 'fields are not as ListSources'],
    ['a field less', { ...good, text: `{"projectId":1,"branchId":1,${page}}\n` }, 'sources'],
    ['no line end', { ...good, text: good.text.trimEnd() }, 'fields are not as ListSources'],
    ['another status', { ...good, status: 202 }, 'the status of ListSources is 200'],
    ['another content type', { ...good, contentType: 'text/plain' }, 'the content type is text/plain'],
    ['no body', { ...good, text: '' }, 'the body is missing'],
    ['a body to HEAD', { ...good, method: 'HEAD' }, 'has a body'],
    ['an unknown operation', { ...good, url: '/v1/other' }, 'no operation is documented'],
    [
      'an undeclared error',
      errorOf({ ...missing, error: 'stream.api.sinkNotFound' }),
      'GetSource does not say that it answers stream.api.sinkNotFound',
    ],
    ['an error in another order', errorOf({ error: missing.error, statusCode: 404, message: 'x' }), 'not written as the contract says'],
    ['another status in the body', errorOf({ ...missing, statusCode: 409 }), 'the body has another status'],
    ['a failure without its id', errorOf({ statusCode: 500, error: 'stream.api.internalError', message: 'x' }, 500), 'an exception id'],
    ['an id of no failure', errorOf({ ...missing, exceptionId: 'x' }), 'an exception id'],
    ['an error that is no JSON', { ...errorOf(missing), contentType: 'text/html' }, 'the content type of an error is text/html'],
  ])('refuses %s', (_name, answer, problem) => {
    expect(() => assertDocumented(answer)).toThrow(problem);
  });
});
