import { maxEventTimeMs, type SeriesCapabilities } from './series-store.ts';

/** Of the series in a data folder, whichever process uses it. */
export const embeddedCapabilities: SeriesCapabilities = {
  exactlyOnce: 'transactional',
  keepsAmountText: false,
  maxTimeMs: maxEventTimeMs,
};
