import type { Figures } from './figures.ts';
import type { FileSettings } from './file.ts';

/** Why a slice or file is rotated. */
type RotationCause = 'count' | 'size' | 'time' | 'sliceCount' | 'maxSlices';

/** Rotate now; or look again when `ageMs` is reached; or only when something changes. */
export type RotationVerdict = { readonly rotate: RotationCause } | { readonly lookAtAgeMs: number } | { readonly wait: true };

/** Order and gates of the conditions: stream storage specification 5.3. */
export function judgeSlice(figures: Figures, ageMs: number, settings: FileSettings['upload']): RotationVerdict {
  if (isEmpty(figures)) return { wait: true };
  if (ageMs < settings.minIntervalMs) return { lookAtAgeMs: settings.minIntervalMs };
  return judgeAmounts(figures, ageMs, settings);
}

/** Stream storage specification 5.5. `slices` counts open ones too. */
export function judgeFile(file: { figures: Figures; slices: number }, ageMs: number, settings: FileSettings['import']): RotationVerdict {
  if (file.slices >= settings.maxSlices) return { rotate: 'maxSlices' };
  if (ageMs < settings.minIntervalMs) return { lookAtAgeMs: settings.minIntervalMs };
  if (isEmpty(file.figures)) return { wait: true };
  if (file.slices >= settings.slices) return { rotate: 'sliceCount' };
  return judgeAmounts(file.figures, ageMs, settings);
}

const isEmpty = (figures: Figures): boolean => figures.goodRows + figures.damagedRows === 0;

function judgeAmounts(figures: Figures, ageMs: number, triggers: { count: number; bytes: number; intervalMs: number }): RotationVerdict {
  if (figures.goodRows >= triggers.count) return { rotate: 'count' };
  if (figures.compressedBytes >= triggers.bytes) return { rotate: 'size' };
  if (ageMs >= triggers.intervalMs) return { rotate: 'time' };
  return { lookAtAgeMs: triggers.intervalMs };
}
