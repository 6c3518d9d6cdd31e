import { expect, it } from 'vitest';
import { madeUpLog } from './made-up-log.ts';
import { checkRenameOrder } from './rename-order.ts';

const root = '/data';
const objects = '/data/staging';
const steps = {
  create: { name: 'create', path: '/data/temp' },
  write: { name: 'write', path: '/data/temp', offset: 0, length: 10 },
  sync: { name: 'fsync', path: '/data/temp' },
  folder: { name: 'mkdir', path: objects },
  rootSync: { name: 'fsyncdir', path: root },
  rename: { name: 'rename', path: '/data/temp', other: '/data/staging/key' },
  folderSync: { name: 'fsyncdir', path: objects },
  naming: { name: 'text', path: '/data/metadata-wal', other: 'key' },
} as const;
type Step = keyof typeof steps;
const right: readonly Step[] = ['create', 'write', 'sync', 'folder', 'rootSync', 'rename', 'folderSync', 'naming'];

const check = (order: readonly Step[]) => checkRenameOrder(madeUpLog(...order.map((step) => steps[step])), { root, objects });
const without = (step: Step) => right.filter((each) => each !== step);

it('accepts the right order', () => {
  expect(check(right)).toEqual({ renames: 1, named: 1, violations: [] });
});

it.each(['sync', 'rootSync', 'rename', 'folderSync'] as const)('finds that the step %s is missing', (step) => {
  expect(check(without(step)).violations).not.toEqual([]);
});

it.each(['rootSync', 'rename', 'folderSync'] as const)('finds an object that is named before the step %s', (step) => {
  expect(check([...without(step).slice(0, -1), 'naming', step]).violations).not.toEqual([]);
});

it('finds a rename before the sync of its content', () => {
  expect(check(['create', 'write', 'folder', 'rootSync', 'rename', 'sync', 'folderSync', 'naming']).violations).toHaveLength(1);
});

it('follows a link to the file whose content it shares', () => {
  const part = [
    { name: 'create', path: '/data/part' },
    { name: 'write', path: '/data/part', offset: 0, length: 10 },
    { name: 'link', path: '/data/part', other: '/data/temp' },
    steps.folder,
    steps.rootSync,
    steps.rename,
    steps.folderSync,
    steps.naming,
  ] as const;
  expect(checkRenameOrder(madeUpLog(...part), { root, objects }).violations).toEqual(['/data/part was renamed before it was synced']);
  const synced = [...part.slice(0, 2), { name: 'fdatasync', path: '/data/part' } as const, ...part.slice(2)];
  expect(checkRenameOrder(madeUpLog(...synced), { root, objects }).violations).toEqual([]);
});

it('wants the names of files that are made before the first answer to be durable by then', () => {
  const file = [
    { name: 'create', path: '/data/id.tmp' },
    { name: 'rename', path: '/data/id.tmp', other: '/data/id' },
  ] as const;
  const answer = { name: 'answer', path: '80:5000', length: 200 } as const;
  expect(checkRenameOrder(madeUpLog(...file, steps.rootSync, answer), { root, objects }).violations).toEqual([]);
  expect(checkRenameOrder(madeUpLog(...file, answer, steps.rootSync), { root, objects }).violations).toHaveLength(1);
  expect(checkRenameOrder(madeUpLog(...file, answer), { root, objects }).violations).toHaveLength(1);
});

it('leaves the files of an engine alone', () => {
  const calls = madeUpLog({ name: 'rename', path: '/data/tables/x', other: '/data/tables/y' });
  expect(checkRenameOrder(calls, { root, objects, exempt: ['/data/tables/'] })).toEqual({ renames: 0, named: 0, violations: [] });
});
