import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxTransactionOperations } from '../../engines/metadata/metadata-store.ts';
import type { TransactionPart } from './definition-hooks.ts';
import { nextStep } from './next-step.ts';

const partOf = (name: string, size: number): TransactionPart => ({
  checks: [{ key: name, modRevision: 1 }],
  writes: Array.from({ length: size - 1 }, (_, index) => ({ type: 'delete', key: `${name}/${index}` })),
});
const fence = partOf('fence', 1);
const nameOf = ({ checks }: { readonly checks: readonly { readonly key: string }[] }) => checks.map(({ key }) => key);

test('any parts are done once and in order, in transactions that hold no more than they may and are never empty, the last part last', async () => {
  const size = fc.integer({ min: 1, max: maxTransactionOperations - 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 40 }), size, async (sizes, lastSize) => {
      const parts = sizes.map((count, index) => partOf(`part ${index}`, count));
      const last = partOf('last', lastSize);
      const done: string[] = [];
      for (let isDone = false; !isDone; ) {
        const left = parts.slice(done.length);
        const step = await nextStep({
          fence,
          parts: (async function* () {
            yield* left;
          })(),
          last,
        });
        if (step.type === 'settled') throw new Error('nothing is settled');
        const { checks, writes } = step.transaction;
        expect(checks.length + writes.length).toBeLessThanOrEqual(maxTransactionOperations);
        const [first, ...names] = nameOf(step.transaction);
        expect(first).toBe('fence');
        expect(names.length).toBeGreaterThan(0);
        done.push(...names);
        isDone = step.type === 'last';
      }
      expect(done).toEqual([...parts, last].flatMap(nameOf));
    }),
  );
});

test('no more parts are asked for than fit', async () => {
  let asked = 0;
  async function* endless() {
    for (;;) {
      asked += 1;
      yield partOf(`part ${asked}`, 4);
    }
  }
  expect(await nextStep({ fence, parts: endless(), last: partOf('last', 1) })).toMatchObject({ type: 'batch' });
  expect(asked).toBe(Math.floor((maxTransactionOperations - 1) / 4) + 1);
});
