import { expect, test } from 'vitest';
import { judgeLag, type SlowPolicy, type SlowVerdict, slowPolicies } from './slow-policies.ts';

const lags = {
  'at the bound': { bytes: 100, maxBytes: 100, isOutOfRing: false },
  'over the bound': { bytes: 101, maxBytes: 100, isOutOfRing: false },
  'out of the ring': { bytes: 50, maxBytes: 100, isOutOfRing: true },
} as const;
const table: Readonly<Record<SlowPolicy, Readonly<Record<keyof typeof lags, SlowVerdict>>>> = {
  'drop-oldest': { 'at the bound': 'go on', 'over the bound': 'to the bound', 'out of the ring': 'to the bound' },
  'skip-to-live': { 'at the bound': 'go on', 'over the bound': 'to the live end', 'out of the ring': 'to the live end' },
  disconnect: { 'at the bound': 'go on', 'over the bound': 'end', 'out of the ring': 'end' },
  pause: { 'at the bound': 'go on', 'over the bound': 'go on', 'out of the ring': 'end' },
};

test.each(slowPolicies)('%s', (policy) => {
  for (const [name, lag] of Object.entries(lags))
    expect([name, judgeLag(policy, lag)]).toEqual([name, table[policy][name as keyof typeof lags]]);
});
