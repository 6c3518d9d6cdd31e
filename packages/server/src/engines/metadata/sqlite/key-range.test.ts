import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyRange } from './key-range.ts';

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'b', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10ffff}'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 4,
});

describe('keyRange', () => {
  it('holds exactly the keys that begin with the prefix', () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (prefix, other, inside) => {
        const key = inside ? prefix + other : other;
        const { from, to } = keyRange(prefix);
        const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
        const within = compare(key, from) >= 0 && (typeof to !== 'string' || compare(key, to) < 0);
        expect(within).toBe(key.startsWith(prefix));
      }),
      { numRuns: 1000 },
    );
  });
});
