import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkBuilder, chunkValues } from './event-chunk.ts';

const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 60 }) },
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'grapheme', minLength: 4000, maxLength: 4200 }),
);
const value = fc.record({ text, asBytes: fc.boolean(), index: fc.nat() });

test('values are what was added, text or bytes, in its order', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300, size: 'max' }), (values) => {
      const builder = new ChunkBuilder();
      for (const one of values) {
        if (one.asBytes) builder.addBytes(Buffer.from(one.text), one.index);
        else builder.addText(one.text, one.index);
      }
      expect(builder.count).toBe(values.length);
      const chunk = builder.build();
      expect(chunkValues(chunk).map(String)).toEqual(values.map((one) => one.text));
      expect([...chunk.indexes]).toEqual(values.map(({ index }) => index));
    }),
    { numRuns: 50 },
  );
});
