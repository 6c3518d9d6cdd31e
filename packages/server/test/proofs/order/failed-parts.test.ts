import { expect, it } from 'vitest';
import { checkFailedParts } from './failed-parts.ts';
import { madeUpLog } from './made-up-log.ts';

const part = '/volume/sink/slice/node-epoch-1.csv.gz';
const next = { name: 'create', path: '/volume/sink/slice/node-epoch-2.csv.gz' } as const;
const steps = {
  create: { name: 'create', path: part },
  write: { name: 'write', path: part, offset: 0, length: 10 },
  sync: { name: 'fdatasync', path: part },
  failedSync: { name: 'fdatasync', path: part, result: -1, errno: 5 },
  cut: { name: 'truncate', path: part },
  cutSync: { name: 'fsync', path: part },
  link: { name: 'link', path: part, other: '/staging/temp' },
  next,
} as const;

const check = (...order: (keyof typeof steps)[]) =>
  checkFailedParts(madeUpLog(...order.map((step) => steps[step])), (path) => path.endsWith('.csv.gz'));

it.each([
  ['nothing fails', 0, ['create', 'write', 'sync', 'write', 'sync']],
  ['a sync fails, the part is cut', 1, ['create', 'write', 'failedSync', 'cut', 'cutSync', 'next']],
  ['a sync fails, the cut as well', 1, ['create', 'write', 'failedSync', 'cut', 'next']],
  ['a write fails', 1, ['create', 'write', 'cut', 'cutSync', 'next']],
  ['the reader syncs and links a part that had failed', 1, ['create', 'write', 'failedSync', 'cut', 'cutSync', 'sync', 'link', 'next']],
] as const)('accepts that %s', (_, failed, order) => {
  expect(check(...order)).toEqual({ failed, violations: [] });
});

it.each([
  ['a repeated sync', ['create', 'write', 'failedSync', 'sync', 'next']],
  ['a repeated sync behind the cut', ['create', 'write', 'failedSync', 'cut', 'cutSync', 'sync', 'next']],
  ['an append behind the failure', ['create', 'write', 'failedSync', 'cut', 'cutSync', 'write', 'next']],
  ['a repeated sync of the cut', ['create', 'write', 'cut', 'cutSync', 'cutSync', 'next']],
  ['a repeated cut', ['create', 'write', 'failedSync', 'cut', 'cut', 'cutSync', 'next']],
  ['no further part', ['next', 'create', 'write', 'failedSync', 'cut', 'cutSync']],
] as const)('finds %s', (_, order) => {
  expect(check(...order).violations).toHaveLength(1);
});

it('does not take the part of another sink for the next one', () => {
  const calls = madeUpLog(steps.create, steps.failedSync, { ...next, path: '/volume/other/slice/node-epoch-2.csv.gz' });
  expect(checkFailedParts(calls, (path) => path.endsWith('.csv.gz')).violations).toHaveLength(1);
});
