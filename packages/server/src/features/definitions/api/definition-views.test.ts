import { expect, test } from 'vitest';
import { SecretVault } from '../../accounts/secret-vault.ts';
import type { Source } from '../source.ts';
import { DefinitionViews } from './definition-views.ts';

const vault = new SecretVault({ key: Buffer.alloc(32, 7), randomId: (length) => 'x'.repeat(length) });
let opened = 0;
const open: SecretVault['open'] = (sealed, owner) => {
  opened += 1;
  return vault.open(sealed, owner);
};
const views = new DefinitionViews({ vault: { open }, apiUrl: () => 'https://api.test', sourceUrl: 'https://in.test' });

const stamp = { at: '2026-06-24T10:00:00.000Z', by: { type: 'user' as const } };
const version = { number: 1, hash: '0123456789abcdef', description: 'New source.', ...stamp };
const sourceOf = (sourceId: string, secret: string): Source => ({
  projectId: 1,
  branchId: 2,
  sourceId,
  type: 'http',
  name: sourceId,
  description: '',
  secret: vault.store(secret, `1/2/${sourceId}`),
  version,
  created: stamp,
});
const urlOf = (source: Source) => views.source(source).http?.url;

test('a secret is opened once, and again where the source has another one', () => {
  const source = sourceOf('s', 'one');
  expect([urlOf(source), urlOf({ ...source }), opened]).toEqual(['https://in.test/stream/1/s/one', 'https://in.test/stream/1/s/one', 1]);
  expect([urlOf(sourceOf('s', 'two')), opened]).toEqual(['https://in.test/stream/1/s/two', 2]);
  // A copy that was sealed for another source does not open for this one.
  expect(() => urlOf({ ...source, sourceId: 'other' })).toThrow(expect.objectContaining({ code: 'invariantBroken' }));
});

test('a thousand secrets are kept, the oldest goes first', () => {
  const sources = Array.from({ length: 1001 }, (_, index) => sourceOf(`s${index}`, `secret${index}`));
  for (const source of sources) urlOf(source);
  opened = 0;
  for (const source of sources.slice(1)) urlOf(source);
  expect(opened).toBe(0);
  expect([sources[0] && urlOf(sources[0]), opened]).toEqual(['https://in.test/stream/1/s0/secret0', 1]);
});
