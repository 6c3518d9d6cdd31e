import type { SeededRandom } from '../../../support/seeded-random.ts';

interface MalformedBytes {
  readonly why: string;
  readonly bytes: Buffer;
}

/** What no HTTP client sends, drawn at random. `token` may write. */
export function malformedBytes(random: SeededRandom, token: string): MalformedBytes {
  const pick = <Item extends string | number>(...items: readonly [Item, ...Item[]]): Item =>
    items[random.between(0, items.length - 1)] ?? items[0];
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)));
  const lines = (...given: readonly string[]) => Buffer.from(`${given.join('\r\n')}\r\n\r\n`, 'latin1');
  const post = 'POST /v1/branches/default/sources HTTP/1.1';
  const head = [`X-StorageApi-Token: ${token}`, 'Host: a', 'Content-Type: application/json'];
  const path = `/${'x'.repeat(random.between(1, 50))}`;
  const ways: readonly (() => MalformedBytes)[] = [
    () => ({ why: 'noise', bytes: noise(random.between(1, 2000)) }),
    () => ({
      why: 'another protocol',
      bytes: Buffer.from(pick('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', 'SSH-2.0-x\r\n', 'HELO a\r\n')),
    }),
    () => ({
      why: 'a request line that is none',
      bytes: lines(`${pick('GET', 'G\0T', 'get', '', 'FOO')} ${path} ${pick('HTTP/9.9', 'HTTP/1', 'X', 'HTTP/1.1 x')}`, 'Host: a'),
    }),
    () => ({ why: 'a method that is none', bytes: lines(`${pick('FOO', 'CONNECTX', 'gET', 'G E T')} ${path} HTTP/1.1`, 'Host: a') }),
    () => ({
      why: 'a method of other servers',
      bytes: lines(`${pick('PROPFIND', 'TRACE', 'PURGE', 'MKCOL', 'CONNECT')} /v1 HTTP/1.1`, 'Host: a', 'Connection: close'),
    }),
    () => ({
      why: 'a header that is none',
      bytes: lines(`GET ${path} HTTP/1.1`, 'Host: a', pick('no colon', ': x', 'a b: c', 'a\0: b', 'a: \x01', ' folded')),
    }),
    () => ({ why: 'large headers', bytes: lines(`GET ${path} HTTP/1.1`, 'Host: a', `X: ${'x'.repeat(random.between(17_000, 40_000))}`) }),
    () => ({ why: 'a large path', bytes: lines(`GET /${'x'.repeat(random.between(17_000, 40_000))} HTTP/1.1`, 'Host: a') }),
    () => ({ why: 'no host', bytes: lines(`GET ${path} HTTP/1.1`) }),
    () => ({
      why: 'an unknown place',
      bytes: lines(`GET ${pick('*', '//x', '/%', '/\\', '/v1/../x')} HTTP/1.1`, 'Host: a', 'Connection: close'),
    }),
    () => ({
      why: 'a length that is none',
      bytes: lines(post, ...head, `Content-Length: ${pick('-1', '1x', '9'.repeat(30), '+1', '0x1', '')}`),
    }),
    () => ({
      why: 'two lengths',
      bytes: lines(post, ...head, 'Content-Length: 2', pick('Content-Length: 3', 'Transfer-Encoding: chunked')),
    }),
    () => ({
      why: 'a transfer that is none',
      bytes: lines(post, ...head, `Transfer-Encoding: ${pick('gzip', 'chunked, gzip', 'x', 'chunked\0')}`),
    }),
    () => ({
      why: 'chunks that are none',
      bytes: Buffer.concat([
        lines(post, ...head, 'Transfer-Encoding: chunked'),
        Buffer.from(pick('zz\r\n', '-1\r\n', '2\r\nabc\r\n', 'ffffffffffffffffff\r\n')),
      ]),
    }),
    () => ({
      why: 'a body that does not come',
      bytes: Buffer.concat([lines(post, ...head, `Content-Length: ${random.between(10, 1_000_000)}`), Buffer.from('{"type"')]),
    }),
    () => ({
      why: 'a body without an end',
      bytes: Buffer.concat([lines(post, ...head, 'Transfer-Encoding: chunked'), Buffer.from('5\r\n{"typ\r\n')]),
    }),
    () => ({
      why: 'a body that is announced too large',
      bytes: lines(post, ...head, `Content-Length: ${random.between(1_048_577, 1_000_000_000)}`),
    }),
    () => ({
      why: 'headers without an end',
      bytes: Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(random.between(0, 50))}`),
    }),
    () => ({ why: 'nothing', bytes: Buffer.alloc(0) }),
  ];
  return ways[random.between(0, ways.length - 1)]?.() ?? { why: 'nothing', bytes: Buffer.alloc(0) };
}
