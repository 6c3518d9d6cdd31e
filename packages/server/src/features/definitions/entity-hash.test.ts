import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entityHash } from './entity-hash.ts';

describe('hash of an entity', () => {
  const entity = { name: 'n', table: { id: 't', columns: [{ name: 'a' }, { name: 'b' }] } };

  it('has 16 hex digits that depend on content only', () => {
    const hash = entityHash(entity);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(entityHash({ table: { columns: [{ name: 'a' }, { name: 'b' }], id: 't' }, name: 'n' })).toBe(hash);
    expect(entityHash({ ...entity, description: '', signals: [], raw: false, other: undefined })).toBe(hash);
    expect(entityHash({ ...entity, version: { number: 2 }, created: { at: 'now' } })).toBe(hash);
  });

  it('tells different content and a different order of list items apart', () => {
    const columns = [{ name: 'b' }, { name: 'a' }];
    const others = [
      { ...entity, name: 'm' },
      { ...entity, table: { id: 't', columns } },
      { ...entity, more: 1 },
    ];
    expect(new Set([entity, ...others].map(entityHash)).size).toBe(4);
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ minLength: 1 })), (content) => {
        const reversed = Object.fromEntries(Object.entries(content).reverse());
        return entityHash(content) === entityHash(reversed);
      }),
    );
  });
});
