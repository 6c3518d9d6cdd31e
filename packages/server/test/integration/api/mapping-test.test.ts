import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';

describe('dry run of a mapping', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create('/v1/branches/default/sources', { type: 'http', name: 'Web' });
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });
  const run = '/v1/branches/default/sources/web/test';
  const addSink = (name: string, columns: object[]) =>
    api.create('/v1/branches/default/sources/web/sinks', {
      type: 'table',
      name,
      table: { type: 'keboola', tableId: `in.c-b.${name}`, mapping: { columns } },
    });
  const send = (payload: string, headers: Record<string, string> = {}) =>
    api.call('POST', run, { payload, headers: { 'content-type': 'application/json', 'user-agent': 'test', ...headers } });

  it('has no tables without sinks', async () => {
    expect((await send('{}')).text).toBe('{"projectId":1,"branchId":1,"sourceId":"web","tables":[]}\n');
    expect((await api.call('POST', '/v1/branches/default/sources/none/test', { payload: '{}' })).status).toBe(404);
  });

  it('renders the request for every sink, without its token', async () => {
    await addSink('b', [
      { type: 'datetime', name: 'received_at' },
      { type: 'ip', name: 'ip' },
      { type: 'headers', name: 'headers' },
    ]);
    await addSink('a', [
      { type: 'path', name: 'order', path: 'order.id' },
      { type: 'body', name: 'raw' },
    ]);
    const answer = await send('{"order":{"id":"A-1"}}', { authorization: 'Bearer x' });
    const headers = JSON.stringify(JSON.stringify({ 'Content-Length': '22', 'Content-Type': 'application/json', 'User-Agent': 'test' }));
    expect(answer.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","tables":[' +
        '{"sinkId":"a","tableId":"in.c-b.a","rows":[{"columns":[{"name":"order","value":"\\"A-1\\""},{"name":"raw","value":"{\\"order\\":{\\"id\\":\\"A-1\\"}}"}]}]},' +
        '{"sinkId":"b","tableId":"in.c-b.b","rows":[{"columns":[{"name":"received_at","value":"2026-06-24T10:00:00.000Z"},{"name":"ip","value":"192.0.2.1"},' +
        `{"name":"headers","value":${headers}}]}]}]}\n`,
    );
  });

  it('needs no right to write', async () => {
    expect((await send('{}', { 'x-storageapi-token': api.readToken })).status).toBe(200);
  });

  it('ends at the first fault', async () => {
    await addSink('a', [{ type: 'path', name: 'path', path: 'key' }]);
    const answer = await send('{}');
    expect(answer.text).toBe(
      '{\n  "statusCode": 422,\n  "error": "stream.api.unprocessableContent",\n  "message": "Invalid value for column \\"path\\": path \\"key\\" not found in the body."\n}\n',
    );
  });

  it('renders templates, and tells why one has no value', async () => {
    const template = (content: string) => ({ language: 'jsonnet', content });
    await addSink('a', [
      { type: 'template', name: 'both', rawString: true, template: template("Body('a.b') + '-' + Body('c.d')") },
      { type: 'template', name: 'whole', template: template("{ at: Now(), from: Ip(), agent: Header('user-agent'), n: Body('n', 0) }") },
    ]);
    const answer = await send('{"a":{"b":"x"},"c":{"d":"y"},"n":42.1}');
    const whole = { agent: 'test', at: '2026-06-24T10:00:00.000Z', from: '192.0.2.1', n: 42.1 };
    expect(answer.text).toContain(
      `"rows":[{"columns":[{"name":"both","value":"x-y"},{"name":"whole","value":${JSON.stringify(JSON.stringify(whole)).replace('42.1', '42.100000000000001')}}]}]`,
    );
    const fault = await send('{"a":{"b":"x"}}');
    expect([fault.status, fault.body['message']]).toEqual([422, 'Invalid value for column "both": path "c.d" not found in the body.']);
    const token = await send('{"a":{"b":"x"},"c":{"d":"y"}}');
    expect(token.text).toContain('\\"n\\":0');
    await addSink('b', [{ type: 'template', name: 'token', template: template("Header('x-storageapi-token')") }]);
    expect((await send('{"a":{"b":"x"},"c":{"d":"y"}}')).body['message']).toBe(
      'Invalid value for column "token": header "X-Storageapi-Token" not found.',
    );
  });

  it('takes any content type, and an empty body', async () => {
    await addSink('a', [{ type: 'body', name: 'raw' }]);
    const answer = await api.call('POST', run, { payload: 'plain', headers: { 'content-type': 'text/plain' } });
    expect(answer.text).toContain('{"name":"raw","value":"plain"}');
    expect((await api.call('POST', run)).text).toContain('{"name":"raw","value":""}');
  });

  it('validates the signal although it means nothing to this source', async () => {
    const answer = await api.call('POST', `${run}?signal=x`, { payload: '{}' });
    expect(answer.body['message']).toBe('Value of signal must be one of "logs", "metrics", "traces" but got value "x".');
  });
});
