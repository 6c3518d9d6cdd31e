import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';
import { FakeElement, fakeDocument } from '../../support/fake-document.ts';

const base = '/v1/documentation';
const moduleOf = (name: string) => import(new URL(`../../../src/components/api/documentation/${name}`, import.meta.url).href);

let api: ApiHarness;
beforeEach(async () => {
  api = await ApiHarness.open();
});
afterEach(() => api[Symbol.asyncDispose]());

describe('page of the documentation', () => {
  it('is found below the address that the API tells', async () => {
    const { documentation } = (await api.get('/v1')).body as { documentation: string };
    expect(documentation).toBe(`https://api.test${base}`);
    const moved = await api.inject(base);
    expect([moved.statusCode, moved.headers['location']]).toEqual([301, `${base}/`]);
    const page = await api.inject(`${base}/`);
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await api.inject(`${base}/index.html`)).body).toBe(page.body);
  });

  it('loads everything from this process: no script or style stands in it, and no other server is named', async () => {
    const found = new Map<string, string>();
    const load = async (name: string) => {
      if (found.has(name)) return;
      const { statusCode, headers, body } = await api.inject(`${base}/${name}`);
      expect([name, statusCode]).toEqual([name, 200]);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|http|\*/);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
      found.set(name, String(headers['content-type']));
      expect(body).not.toMatch(/https?:\/\//);
      expect(body).not.toMatch(/innerHTML|insertAdjacentHTML|\beval\b|new Function|document\.write|localStorage|sessionStorage/);
      const names = [...body.matchAll(/(?:src|href)="([\w.-]+\.(?:js|css))"/g), ...body.matchAll(/from '\.\/([\w.-]+\.js)'/g)];
      for (const [, next = ''] of names) await load(next);
    };
    await load('');
    const page = await api.inject(`${base}/`);
    expect(page.body).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    expect([...found.keys()].sort()).toEqual(['', 'explorer.js', 'page.css', 'page.js', 'schema-text.js']);
    expect(found.get('explorer.js')).toBe('text/javascript; charset=utf-8');
    expect(found.get('page.css')).toBe('text/css; charset=utf-8');
  });

  it('has no other files, and is read only', async () => {
    for (const path of ['missing.js', '../api.ts', '..%2fdocumentation.ts', 'page.js/']) {
      const answer = await api.call('GET', `${base}/${path}`);
      expect([path, answer.status === 404 || answer.status === 301]).toEqual([path, true]);
    }
    expect((await api.call('GET', `${base}/missing.js`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.endpointNotFound',
      message: `No endpoint found for path "${base}/missing.js".`,
    });
    const refused = await api.call('POST', `${base}/`, { payload: {} });
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});

describe('what the page shows', () => {
  const render = async () => {
    const spec = (await api.inject(`${base}/openapi3.json`)).json();
    const root = new FakeElement('main');
    const sent: object[] = [];
    const { renderApi } = await moduleOf('explorer.js');
    const send = async (request: object) => {
      sent.push(request);
      return '200 OK\n{"<b>": 1}';
    };
    renderApi({ document: fakeDocument, root, spec, send });
    const operation = (id: string): FakeElement => {
      const found = [...root.all()].find((element) => 'id' in element && element.id === id);
      if (!found) throw new Error(`no ${id}`);
      return found;
    };
    return { spec, root, sent, operation };
  };
  const inputs = (view: FakeElement, tag = 'input') => [...view.all()].filter((element) => element.tag === tag);

  it('is every operation of the document, with the types of its body and answer', async () => {
    const { spec, root, operation } = await render();
    const ids = Object.values<Record<string, { operationId: string }>>(spec.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(ids.length).toBeGreaterThan(20);
    const shown = [...root.all()].flatMap((element) => ('id' in element ? [element.id] : []));
    expect(shown.sort()).toEqual(ids.sort());
    const { text } = operation('CreateSource');
    expect(text).toContain('name: string (1..40)');
    expect(text).toContain('sourceId?: string (1..48)');
    expect(text).toContain('type: "http" | "otlp"');
    expect(text).not.toContain('undefined');
    expect(JSON.parse(inputs(operation('CreateSource'), 'textarea')[0]?.value ?? '')).toEqual({ type: 'http', name: '' });
  });

  it('calls an operation with its parameters, the body and the token, and shows the answer as text', async () => {
    const { root, sent, operation } = await render();
    const token = inputs(root).find((element) => 'type' in element && element.type === 'password');
    if (token) token.value = 'secret';
    const list = operation('ListSources');
    const [branch, ...query] = inputs(list);
    expect([branch?.value, query.length]).toEqual(['default', 2]);
    if (query[0]) query[0].value = 'a b';
    await inputs(list, 'button')[0]?.click();
    expect(inputs(list, 'pre')[0]?.textContent).toBe('200 OK\n{"<b>": 1}');
    const source = operation('UpdateSource');
    const [, id] = inputs(source);
    if (id) id.value = 'a b/$&';
    const [body] = inputs(source, 'textarea');
    if (body) body.value = '{"name":"x"}';
    await inputs(source, 'button')[0]?.click();
    await inputs(operation('ApiVersionIndex'), 'button')[0]?.click();
    expect(sent).toEqual([
      { method: 'GET', target: '/v1/branches/default/sources?afterId=a+b', token: 'secret', body: undefined },
      { method: 'PATCH', target: '/v1/branches/default/sources/a%20b/%24%26', token: 'secret', body: '{"name":"x"}' },
      { method: 'GET', target: '/v1', token: '', body: undefined },
    ]);
  });

  it('names a schema that leads to itself and goes on', async () => {
    const { schemaText, exampleOf } = await moduleOf('schema-text.js');
    const schemas = {
      Tree: {
        type: 'object',
        required: ['items', 'kind'],
        properties: {
          kind: { const: 'tree' },
          items: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Tree' } },
          size: { type: 'integer', minimum: 2 },
        },
      },
    };
    const ref = { $ref: '#/components/schemas/Tree' };
    expect(schemaText(ref, schemas)).toBe('{\n  kind: "tree"\n  items: [Tree]\n  size?: integer (2..)\n}');
    expect(exampleOf(ref, schemas)).toEqual({ kind: 'tree', items: [null] });
    expect(schemaText({ anyOf: [{ type: 'null' }, {}] }, {})).toBe('null | any');
  });
});
