import { expect, test } from 'vitest';
import { createClientIp } from './client-ip.ts';

const trusted = ['10.0.0.0/8', '192.0.2.9', '2001:db8::/32', ' fd00::1 '];
const forwarded = (...values: readonly string[]) => values.flatMap((value) => ['X-Forwarded-For', value]);

test.each([
  ['no headers', '10.0.0.1', [], '10.0.0.1'],
  ['an untrusted peer may claim what it likes', '203.0.113.1', forwarded('198.51.100.1'), '203.0.113.1'],
  ['a trusted peer tells the client', '10.0.0.1', forwarded('198.51.100.1'), '198.51.100.1'],
  ['the nearest hop that is no proxy counts, not what it claims', '10.0.0.1', forwarded('1.1.1.1, 198.51.100.1, 10.9.9.9'), '198.51.100.1'],
  ['several header lines are one list', '10.0.0.1', forwarded('1.1.1.1', '198.51.100.1,192.0.2.9'), '198.51.100.1'],
  ['all hops are proxies: the farthest', '10.0.0.1', forwarded('10.0.0.3, 10.0.0.2'), '10.0.0.3'],
  ['with port', '10.0.0.1', forwarded('198.51.100.1:4711'), '198.51.100.1'],
  ['IPv6 with port', '10.0.0.1', forwarded('[2001:470::1]:443'), '2001:470::1'],
  ['IPv6 in brackets', '10.0.0.1', forwarded('[2001:470::1]'), '2001:470::1'],
  ['IPv6 without', '10.0.0.1', forwarded('2001:470::1'), '2001:470::1'],
  ['an IPv6 proxy', '2001:db8::7', forwarded('198.51.100.1, 2001:db8::8'), '198.51.100.1'],
  ['a single IPv6 proxy', 'fd00::1', forwarded('198.51.100.1'), '198.51.100.1'],
  ['its neighbour', 'fd00::2', forwarded('198.51.100.1'), 'fd00::2'],
  ['IPv4 over an IPv6 socket', '::ffff:10.0.0.1', forwarded('::ffff:198.51.100.1'), '198.51.100.1'],
  ['IPv4 over an IPv6 socket, untrusted', '::ffff:203.0.113.1', forwarded('198.51.100.1'), '203.0.113.1'],
  ['nonsense is skipped', '10.0.0.1', forwarded('unknown, , 198.51.100.1, _hidden, 999.1.1.1, <script>'), '198.51.100.1'],
  ['only nonsense', '10.0.0.1', forwarded('unknown'), '10.0.0.1'],
  ['X-Real-Ip where no other says it', '10.0.0.1', ['x-real-ip', '198.51.100.2'], '198.51.100.2'],
  ['X-Forwarded-For before X-Real-Ip', '10.0.0.1', ['X-Real-Ip', '1.1.1.1', ...forwarded('198.51.100.1')], '198.51.100.1'],
  ['a broken X-Real-Ip', '10.0.0.1', ['X-Real-Ip', 'me'], '10.0.0.1'],
  ['a peer without an address', undefined, forwarded('198.51.100.1'), ''],
])('%s', (_name, peer, headers, expected) => {
  expect(createClientIp(trusted)(peer, headers)).toBe(expected);
});

test('without trusted proxies the peer counts', () => {
  const clientIp = createClientIp([]);
  expect(clientIp('127.0.0.1', forwarded('198.51.100.1'))).toBe('127.0.0.1');
  expect(clientIp('::ffff:127.0.0.1', [])).toBe('127.0.0.1');
});

test.each(['localhost', '10.0.0.0/33', '10.0.0.0/', '::1/129', '10.0.0', '', '10.0.0.0/8/8'])('"%s" is no trusted proxy', (entry) => {
  expect(() => createClientIp([entry])).toThrow(
    expect.objectContaining({ code: 'configInvalid', message: expect.stringContaining(`"${entry}"`) }),
  );
});
