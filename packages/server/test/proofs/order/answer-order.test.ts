import { describe, expect, it } from 'vitest';
import type { Call } from '../shim/call-log.ts';
import { type Acknowledgement, checkAnswerOrder } from './answer-order.ts';
import { madeUpLog } from './made-up-log.ts';

const folder = '/data/volume/slice';
const path = `${folder}/part`;
const block = { path, offset: 0, length: 100 };
const acknowledgement: Acknowledgement = { connection: '80:5000', index: 0, sinks: [[block]] };

const steps = {
  folder: { name: 'mkdir', path: folder },
  volumeSync: { name: 'fsyncdir', path: '/data/volume' },
  create: { name: 'create', path },
  write: { name: 'write', path, offset: 0, length: 100 },
  sync: { name: 'fdatasync', path },
  folderSync: { name: 'fsyncdir', path: folder },
  answer: { name: 'answer', path: '80:5000', length: 200 },
} as const;
type Step = keyof typeof steps;
const right: readonly Step[] = ['folder', 'volumeSync', 'create', 'write', 'sync', 'folderSync', 'answer'];

const check = (calls: readonly Call[], acknowledgements = [acknowledgement]) =>
  checkAnswerOrder(calls, { root: '/data/volume', acknowledgements });
const violationsOf = (order: readonly Step[]) => check(madeUpLog(...order.map((step) => steps[step]))).violations;
const without = (step: Step) => right.filter((each) => each !== step);

describe('one block', () => {
  it('accepts the right order', () => {
    expect(check(madeUpLog(...right.map((step) => steps[step])))).toEqual({ answers: 1, blocks: 1, violations: [] });
  });

  it.each(right)('finds that the step %s is missing', (step) => {
    expect(violationsOf(without(step))).toHaveLength(1);
  });

  it.each(right.slice(0, -1))('finds an answer before the step %s', (step) => {
    expect(violationsOf([...without(step).slice(0, -1), 'answer', step])).toHaveLength(1);
  });

  it.each([
    ['the sync before the write', ['folder', 'volumeSync', 'create', 'sync', 'write', 'folderSync', 'answer']],
    ['the sync of the folder before its file', ['folder', 'volumeSync', 'folderSync', 'create', 'write', 'sync', 'answer']],
    ['the sync above before the folder', ['volumeSync', 'folder', 'create', 'write', 'sync', 'folderSync', 'answer']],
  ] as const)('finds %s', (_, order) => {
    expect(violationsOf(order)).toHaveLength(1);
  });

  it('does not ask for the sync of a folder that is made anew after its file was answered', () => {
    expect(violationsOf([...right, 'folder'])).toEqual([]);
    expect(violationsOf(['folder', 'volumeSync', 'folder', 'create', 'write', 'sync', 'folderSync', 'answer'])).toHaveLength(1);
  });

  it('accepts syncs in any order among themselves', () => {
    expect(violationsOf(['folder', 'create', 'folderSync', 'write', 'sync', 'volumeSync', 'answer'])).toEqual([]);
  });
});

describe('calls that overlap', () => {
  const calls = madeUpLog(...right.map((step) => steps[step]));
  const changed = (step: Step, change: (call: Call) => Partial<Call>) =>
    calls.map((call, index) => (right[index] === step ? { ...call, ...change(call) } : call));
  const numberOf = (step: Step) => calls[right.indexOf(step)]?.begin ?? 0;

  it('finds a sync that began before the write had ended', () => {
    expect(check(changed('write', () => ({ end: numberOf('sync') + 0.5 }))).violations).toHaveLength(1);
  });

  it('finds an answer that began before the sync had ended', () => {
    expect(check(changed('sync', () => ({ end: numberOf('answer') + 0.5 }))).violations).toHaveLength(1);
  });

  it('finds an answer that began before the sync of the folder had ended', () => {
    expect(check(changed('folderSync', () => ({ end: numberOf('answer') + 0.5 }))).violations).toHaveLength(1);
  });
});

describe('failures', () => {
  const failed = { result: -1, errno: 5 };
  const { folder: made, volumeSync, create, write, sync, folderSync, answer } = steps;

  it('does not count a failed sync', () => {
    expect(check(madeUpLog(made, volumeSync, create, write, { ...sync, ...failed }, folderSync, answer)).violations).toHaveLength(1);
  });

  it('does not count a sync that is repeated after it failed', () => {
    expect(check(madeUpLog(made, volumeSync, create, write, { ...sync, ...failed }, sync, folderSync, answer)).violations).toHaveLength(1);
  });

  it('counts bytes that were written again after the failure', () => {
    expect(check(madeUpLog(made, volumeSync, create, write, { ...sync, ...failed }, write, sync, folderSync, answer)).violations).toEqual(
      [],
    );
  });

  it('keeps what was durable when a later sync fails', () => {
    const later = { ...write, offset: 100 };
    expect(check(madeUpLog(made, volumeSync, create, write, sync, folderSync, later, { ...sync, ...failed }, answer)).violations).toEqual(
      [],
    );
  });

  it('finds bytes that a short write left out', () => {
    expect(check(madeUpLog(made, volumeSync, create, { ...write, result: 50 }, sync, folderSync, answer)).violations).toHaveLength(1);
  });

  it('joins short writes', () => {
    const rest = { ...write, offset: 50, length: 50 };
    expect(check(madeUpLog(made, volumeSync, create, { ...write, result: 50 }, rest, sync, folderSync, answer)).violations).toEqual([]);
  });

  it('finds bytes that were cut off and written again without a sync', () => {
    const cut = { name: 'truncate', path, length: 0 } as const;
    expect(check(madeUpLog(made, volumeSync, create, write, sync, folderSync, cut, write, answer)).violations).toHaveLength(1);
  });
});

describe('answers', () => {
  const calls = madeUpLog(...right.map((step) => steps[step]));

  it('finds one that the log does not have', () => {
    expect(check(calls, [{ ...acknowledgement, index: 1 }]).violations).toHaveLength(1);
    expect(check(calls, [{ ...acknowledgement, connection: '80:5001' }]).violations).toHaveLength(1);
  });

  it('counts answers of a connection in order, without attempts that sent nothing', () => {
    const retried = madeUpLog({ ...steps.answer, result: -1, errno: 11 }, ...right.map((step) => steps[step]));
    expect(check(retried).violations).toEqual([]);
    expect(check(madeUpLog(steps.answer, ...right.map((step) => steps[step]))).violations).toHaveLength(1);
  });

  it('finds one with another status', () => {
    expect(check(calls.map((call) => (call.name === 'answer' ? { ...call, length: 503 } : call))).violations).toHaveLength(1);
  });

  it('wants a durable block in every sink', () => {
    const other = { ...block, path: `${folder}/other` };
    expect(check(calls, [{ ...acknowledgement, sinks: [[block], [other]] }]).violations).toHaveLength(1);
    expect(check(calls, [{ ...acknowledgement, sinks: [[block], []] }]).violations).toHaveLength(1);
    expect(check(calls, [{ ...acknowledgement, sinks: [] }]).violations).toHaveLength(1);
    expect(check(calls, [{ ...acknowledgement, sinks: [[other, block]] }]).violations).toEqual([]);
  });
});
