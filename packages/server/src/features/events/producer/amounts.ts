import type { Distribution } from '../distributions.ts';

export interface AmountOptions {
  readonly distribution: Distribution;
  readonly min: number;
  /** Above `min`; no amount reaches it. */
  readonly max: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Amounts from `min` to `max`. `normal` is highest in the middle, `bimodal` at a quarter and at three quarters of the way. */
export function createAmounts({ distribution, min, max, random }: AmountOptions): () => number {
  const width = max - min;
  const bell = (share: number, deviation: number): number => {
    for (;;) {
      const place = share + deviation * gauss(random);
      if (place >= 0 && place < 1) return min + width * place;
    }
  };
  switch (distribution) {
    case 'uniform':
      return () => min + width * random();
    case 'normal':
      return () => bell(1 / 2, 1 / 6);
    case 'bimodal':
      return () => bell(random() < 0.5 ? 1 / 4 : 3 / 4, 1 / 12);
  }
}

/** Mean 0, standard deviation 1 (Box and Muller). */
const gauss = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
