import { pointCost } from '../text/code-points.ts';
import type { Run } from './value.ts';

/** Pays for finding characters in a text, which is more work where one may have two units. */
export function chargePoints(text: string, run: Run): void {
  run.chargeCharacters(text.length);
  const cost = pointCost(text);
  if (cost > 1) run.chargeCharacters(text.length * (cost - 1));
}
