import { gzipSync } from 'node:zlib';
import type { SeededRandom } from '../../../support/seeded-random.ts';

interface MalformedRequest {
  /** What is wrong with it. */
  readonly why: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: Buffer;
}

interface Tokens {
  readonly admin: string;
  readonly reader: string;
}

/** The source `s` has the sink `k`, whose one column needs the path `order.no`. */
export const base = '/v1/branches/default';
const source = `${base}/sources/s`;
const sink = `${source}/sinks/k`;

type Json = Record<string, unknown>;

interface Writing {
  readonly method: 'POST' | 'PATCH';
  readonly url: string;
  readonly body: Json;
  /** Names of fields without which the body is none. */
  readonly required: readonly string[];
}

const table = {
  type: 'keboola',
  tableId: 'in.c-b.t',
  mapping: { columns: [{ type: 'path', name: 'no', path: 'order.no', rawString: true }] },
};
const settings = [{ key: 'storage.level.staging.upload.trigger.count', value: 5 }];

/** Requests that would be taken as they are. */
const writings: readonly Writing[] = [
  {
    method: 'POST',
    url: `${base}/sources`,
    body: { sourceId: 'new', type: 'http', name: 'New', description: 'd' },
    required: ['type', 'name'],
  },
  { method: 'PATCH', url: source, body: { changeDescription: 'c', type: 'http', name: 'n', description: 'd' }, required: [] },
  {
    method: 'POST',
    url: `${source}/sinks`,
    body: { sinkId: 'new', type: 'table', name: 'New', description: 'd', allowedSignals: ['logs'], table },
    required: ['type', 'name', 'table'],
  },
  { method: 'PATCH', url: sink, body: { changeDescription: 'c', type: 'table', name: 'n', allowedSignals: ['logs'], table }, required: [] },
  { method: 'PATCH', url: `${source}/settings`, body: { changeDescription: 'c', settings }, required: [] },
  { method: 'PATCH', url: `${sink}/settings`, body: { changeDescription: 'c', settings }, required: [] },
];

/** One of the ways in which a request can be wrong, drawn at random. */
export function malformedRequest(random: SeededRandom, { admin, reader }: Tokens): MalformedRequest {
  const pick = <Item>(items: readonly Item[]): Item => items[random.between(0, items.length - 1)] ?? fail();
  const text = (length: number) => Array.from({ length }, () => pick(characters)).join('');
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)));
  const asAdmin = { 'x-storageapi-token': admin };
  const asJson = { ...asAdmin, 'content-type': 'application/json' };

  const wrongBody = (): MalformedRequest => {
    const { method, url, body, required } = pick(writings);
    const whole = JSON.stringify(body);
    const send = (why: string, payload: string | Buffer, headers: Record<string, string> = asJson): MalformedRequest => ({
      why,
      method,
      url,
      headers,
      payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload),
    });
    // An object without a known field is a change of a table that changes nothing.
    const wrongField = (fields: Json): Json => {
      const name = pick(Object.keys(fields));
      return {
        [name]: pick(name === 'table' ? wrongValues.filter((value) => typeof value !== 'object' || Array.isArray(value)) : wrongValues),
      };
    };
    const changed = (change: Json) => JSON.stringify({ ...unknownFields(), ...body, ...change });
    const unknownFields = (): Json => (random.oneIn(2) ? { [text(5)]: pick(wrongValues), constructor: 1, toString: [] } : {});
    const ways: readonly (() => MalformedRequest)[] = [
      () => send('ends too early', whole.slice(0, random.between(1, whole.length - 1))),
      () => send('goes on behind its end', whole + pick(['}', ',', whole, '\0', 'x'])),
      () => send('has a broken character', broken(whole, random)),
      () => send('has a field of another type', changed(wrongField(body))),
      () => send('has an item of another type', changed(wrongItem(body, pick(wrongItems)))),
      () => send('has a text that is too long', changed({ changeDescription: 5, name: text(random.between(41, 3000)) })),
      () => send('has no name', changed({ name: '', settings: 1 })),
      () => send('has an unknown type', changed({ type: text(random.between(0, 9)), settings: 1 })),
      () => send('is no UTF-8', Buffer.concat([Buffer.from(whole.slice(0, 2)), pick(notUtf8), Buffer.from(whole.slice(2))])),
      () => send('is in another encoding', pick([Buffer.from(whole, 'utf16le'), gzipSync(whole), Buffer.from(`\ufeff${whole}`)])),
      () =>
        send('is nested deep', whole.replace(/\}$/, `,"deep":${nested(random.between(66, random.oneIn(20) ? 100_000 : 2000), random)}}`)),
      () => send('is no object', pick(['[]', '"x"', '1', 'true', 'null', '', ' ', '{', '[{}]', '1e999', '-0', '\\u0000'])),
      () => send('is noise', bytes(random.between(1, 300))),
      () => send('has a content type that is not read', whole, { ...asAdmin, 'content-type': pick(otherTypes) }),
      () => send('is too large', Buffer.alloc(random.between(1_048_577, 1_100_000), 0x20)),
    ];
    const lacking =
      required.length > 0
        ? [() => send('lacks a field', JSON.stringify({ ...body, [pick(required)]: random.oneIn(2) ? null : undefined }))]
        : [];
    // A large body costs as much as all others together.
    return pick(random.oneIn(40) ? ways.slice(-1) : [...ways.slice(0, -1), ...lacking])();
  };

  const wrongParameter = (): MalformedRequest => {
    const get = (why: string, url: string): MalformedRequest => ({ why, method: 'GET', url, headers: asAdmin });
    const lists = [`${base}/sources`, `${base}/aggregation/sources`, `${source}/sinks`, `${source}/versions`, `${sink}/versions`];
    const ways: readonly (() => MalformedRequest)[] = [
      () => get('has a wrong limit', `${pick(lists)}?afterId=${encoded(text(9))}&limit=${encoded(pick(wrongNumbers))}`),
      () => get('has a wrong version', `${pick([source, sink])}/versions/${encoded(pick(wrongNumbers))}`),
      () => get('has an id that is too long', `${base}/sources/${encoded(text(random.between(49, 3000)))}`),
      () => get('has an unknown id', `${base}/sources/${encoded(`${text(random.between(1, 47))}~`)}${pick(['', '/sinks', '/settings'])}`),
      () =>
        get(
          'has a wrong branch',
          `/v1/branches/${encoded(pick(['abc', '999', '1e0', '0x1', '١', '1.0', ' ', 'default ', text(40)]))}/sources`,
        ),
      () => get('is encoded wrongly', `${base}/sources/${pick(['%', '%z', '%zz', '%c3%28', '%ff', 'a%00%', '%u0041', '%e2%82'])}`),
      () => get('has an unknown task', `/v1/tasks/${Array.from({ length: random.between(1, 6) }, () => encoded(text(9))).join('/')}`),
      () => ({
        ...get('has a wrong truth value', `${source}?cascade=${encoded(pick(['maybe', '2', 'yes', 'tRuE', '01']))}`),
        method: 'DELETE',
      }),
      () => ({ ...get('has a wrong signal', `${source}/test?signal=${encoded(text(6))}x`), method: 'POST' }),
    ];
    return pick(ways)();
  };

  const wrongPlace = (): MalformedRequest => {
    const segments = ['v1', 'v2', 'branches', 'default', 'sources', 's', 'sinks', 'k', 'nothing', '', 'settings', 'constructor'];
    const path = `/x${Array.from({ length: random.between(1, 9) }, () => `/${pick(segments)}`).join('')}`;
    const ways: readonly (() => MalformedRequest)[] = [
      () => ({ why: 'leads nowhere', method: pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD']), url: path, headers: asJson }),
      () => ({ why: 'has a method that the path has not', method: pick(['PUT', 'DELETE']), url: `${base}/sources`, headers: asJson }),
      () => ({
        why: 'has a method that the path has not',
        method: 'POST',
        url: `${source}/${pick(['enable', 'disable'])}`,
        headers: asJson,
      }),
      () => ({ why: 'has a method that the path has not', method: 'PATCH', url: pick(['/', '/v1', '/health-check']), headers: {} }),
    ];
    const chosen = pick(ways)();
    return random.oneIn(2) && chosen.method !== 'HEAD' ? { ...chosen, payload: bytes(random.between(1, 2000)) } : chosen;
  };

  const wrongCaller = (): MalformedRequest => {
    const { method, url, body } = pick(writings);
    const write = { method, url, payload: Buffer.from(JSON.stringify(body)) };
    const given = pick(['', ' ', 'x', text(20).replaceAll(/[^\x20-\x7e]/g, 'e'), admin.slice(1), `${admin}x`, 'Bearer x', '\u00e9']);
    const ways: readonly (() => MalformedRequest)[] = [
      () => ({ ...write, why: 'has no token of this service', headers: { ...asJson, 'x-storageapi-token': given } }),
      () => ({ ...write, why: 'has a token that may not write', headers: { ...asJson, 'x-storageapi-token': reader } }),
      () => ({ why: 'has no token', method: 'GET', url: pick([source, sink, '/v1/tasks/a/b']), headers: {} }),
    ];
    return pick(ways)();
  };

  /** No record that the sink could take. */
  const wrongRecord = (): MalformedRequest => ({
    why: 'is no record',
    method: 'POST',
    url: `${source}/test`,
    headers: {
      ...asAdmin,
      'content-type': pick(['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'x/y+json', 'application/a+json']),
    },
    payload: pick<() => Buffer>([
      () => bytes(random.between(0, 300)),
      () => Buffer.from(nested(random.between(1, random.oneIn(20) ? 100_000 : 3000), random)),
      () => Buffer.from(JSON.stringify({ order: pick(wrongValues) })),
      () => Buffer.from(`order[${text(4)}]=${text(9)}&${'a['.repeat(random.between(1, 500))}`),
      () => Buffer.from('{"order":{"no"'),
    ])(),
  });

  return pick([wrongBody, wrongBody, wrongBody, wrongParameter, wrongPlace, wrongCaller, wrongRecord])();
}

const characters = [...'abcXYZ019 _-.~"\\/{}[]<>&\'', '\u0000', '\t', '\n', 'ž', 'İ', '😀', '\u202e', '\ufffd', '\ud800', '\u0301'];
const wrongValues: readonly unknown[] = [5, -1.5, true, [[]], { a: 1 }, [1, 'x'], { toString: 1 }, 1e300, [{}]];
const wrongItems: readonly unknown[] = [7, 'x', [], [[]], { type: 5 }, { key: 5 }, { type: 'uuid' }, { type: 'none', name: 'n' }];
const wrongNumbers = ['abc', '0', '-1', '1e3', '1.5', '0x1', ' 1', '99999999999999999999', '١', 'NaN', '1,0', '--1', '1 000'];
const otherTypes = [
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  '///',
  'application/jsonx',
  'text/json',
  ';',
  'application/gob',
];
const notUtf8 = [[0xff], [0xc3, 0x28], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0x80]].map((codes) =>
  Buffer.from(codes),
);

/** The value with something wrong in one of its lists. */
function wrongItem(body: Json, item: unknown): Json {
  if ('settings' in body) return { settings: [item] };
  if ('table' in body) return { table: { ...table, mapping: { columns: [item] } } };
  return { name: [item] };
}

/** A control character in a text: no JSON has one. */
function broken(whole: string, random: SeededRandom): string {
  const at = whole.indexOf('"') + 1;
  return `${whole.slice(0, at)}${String.fromCharCode(random.between(0, 31))}${whole.slice(at)}`;
}

function nested(depth: number, random: SeededRandom): string {
  return random.oneIn(2) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

/** What lone surrogates stand for in a URL is nothing. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

function fail(): never {
  throw new Error('there is nothing to pick from');
}
