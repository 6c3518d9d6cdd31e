import type { RefusedPoint } from './series-store.ts';

export type Refusal = Omit<RefusedPoint, 'index'>;

/**
 * Stores all but what the store refuses even alone, where it refuses many for one: what is refused is halved. `attempt` stores some
 * of the items, from `from` up to `to`, or says why it does not; then it may have stored those that are good.
 * For r refused of n that is about r * log2(n) attempts.
 */
export async function storeByHalves(
  length: number,
  attempt: (from: number, to: number) => Promise<Refusal | undefined>,
): Promise<RefusedPoint[]> {
  const refused: RefusedPoint[] = [];
  const store = async (from: number, to: number): Promise<void> => {
    const refusal = await attempt(from, to);
    if (refusal === undefined) return;
    if (to - from === 1) {
      refused.push({ index: from, ...refusal });
      return;
    }
    const middle = (from + to) >> 1;
    await store(from, middle);
    await store(middle, to);
  };
  if (length > 0) await store(0, length);
  return refused;
}
