import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHostPort, parseHostPort } from './host-port.ts';

test.each([
  ['0.0.0.0:8000', '0.0.0.0', 8000],
  [':8000', '0.0.0.0', 8000],
  ['localhost:0', 'localhost', 0],
  ['[::1]:65535', '::1', 65_535],
])('reads %s', (text, host, port) => {
  expect(parseHostPort(text)).toEqual({ ok: true, value: { host, port } });
});

test.each(['8000', 'host', 'host:', 'host:x', '::1:80', 'a b:80', 'http://a:80', 'host:99999', '[x]:1', ''])('refuses %j', (text) => {
  expect(parseHostPort(text).ok).toBe(false);
});

test('reads what it writes', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      expect(parseHostPort(formatHostPort({ host: name, port }))).toEqual({ ok: true, value: { host: name, port } });
    }),
  );
});
