import { describe, expect, it } from 'vitest';
import { countingIds } from '../../../test/support/counting-ids.ts';
import { MemoryMetadataStore } from '../../../test/support/memory-metadata-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { TaskRunner } from './task-runner.ts';

function setUp(startTimer?: StartTimer) {
  const store = new MemoryMetadataStore();
  const clock = new TestClock();
  const randomId = countingIds();
  const open = (nodeId = 'n1') =>
    new TaskRunner({ store, clock, randomId, nodeId, logger: silentLogger, ...(startTimer && { startTimer }) });
  return { store, clock, tasks: open(), open };
}

const request = { type: 'api.create.source', projectId: 1, entity: '1/s', outputs: { projectId: 1 } };
const never = (signal: AbortSignal) => new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('task runner', () => {
  it('makes a task durable before it answers, and its end after the work', async () => {
    const { tasks, store, clock } = setUp();
    const work = Promise.withResolvers<string>();
    const task = await tasks.start({ ...request, run: () => work.promise });
    expect(task).toMatchObject({ status: 'processing', taskId: 'api.create.source/1/s/2026-06-24T10:00:00.000Z_00001' });
    expect((await store.get(`task/1/${task.taskId}`))?.value).toBe(JSON.stringify(task));
    clock.advance(20);
    work.resolve('Done.');
    await tasks.drain(0);
    expect(await tasks.find(task)).toEqual({
      ...task,
      status: 'success',
      finishedAt: '2026-06-24T10:00:00.020Z',
      durationMs: 20,
      result: 'Done.',
      outputs: { projectId: 1 },
    });
  });

  it.each([
    [new AppError('sourceNotFound', 'source "s" is gone'), 'Source "s" is gone.'],
    [new AppError('tablesUnavailable', 'The tables do not answer.'), 'The tables do not answer.'],
    [new AppError('invariantBroken', 'inner detail'), 'Unknown error'],
    [new Error('inner detail'), 'Unknown error'],
  ])('ends a failed task with what a client may know: %s', async (failure, error) => {
    const { tasks } = setUp();
    const task = await tasks.start({ ...request, run: () => Promise.reject(failure) });
    await tasks.drain(0);
    const ended = await tasks.find(task);
    expect(ended).toMatchObject({ status: 'error', error, exceptionId: expect.stringMatching(/^keboola-stream-\d{15}$/) });
    expect(ended).not.toHaveProperty('outputs');
  });

  it('runs one operation on an entity at a time, whatever its type; the next one waits', async () => {
    const { tasks } = setUp();
    const work = Promise.withResolvers<string>();
    const order: string[] = [];
    await tasks.start({ ...request, run: () => work.promise });
    const next = tasks.start({
      ...request,
      type: 'api.update.source',
      check: async () => order.push('checked'),
      run: async () => String(order.push('updated')),
    });
    const held = tasks.whileHeld({ type: 'api.rotate', entityKey: '1/1/s' }, async () => order.push('rotated'));
    const other = await tasks.start({ ...request, projectId: 2, run: () => work.promise });
    expect(other.entityKey).toBe('2/1/s');
    expect(tasks.operationOn('1/1/s')).toMatchObject({ type: 'api.create.source', isRunning: true });
    expect(order).toEqual([]);
    work.resolve('');
    expect(await next).toMatchObject({ type: 'api.update.source', status: 'processing' });
    await held;
    expect(order).toEqual(['checked', 'updated', 'rotated']);
    await tasks.drain(0);
    expect(tasks.operationOn('1/1/s')).toMatchObject({ type: 'api.rotate', isRunning: false });
  });

  it('makes no task where the check fails, and gives the entity free', async () => {
    const { tasks, store } = setUp();
    const refusal = new AppError('sourceNotFound', 'gone');
    await expect(tasks.start({ ...request, check: () => Promise.reject(refusal), run: never })).rejects.toBe(refusal);
    const failing = () => Promise.reject(refusal);
    await expect(tasks.whileHeld({ type: 't', entityKey: '1/1/s' }, failing)).rejects.toBe(refusal);
    expect(await store.count('task/')).toBe(0);
    await tasks.start({ ...request, run: async () => '' });
    await tasks.drain(0);
  });

  it('makes no task for who waited until the service stops', async () => {
    const { tasks, store } = setUp();
    const work = Promise.withResolvers<string>();
    await tasks.start({ ...request, run: () => work.promise });
    const late = tasks.start({ ...request, run: never });
    const drained = tasks.drain(1e9);
    work.resolve('');
    await expect(late).rejects.toMatchObject({ code: 'shutdown' });
    await drained;
    expect(await store.count('task/')).toBe(1);
  });

  it('shows the outputs of a failed task only where it is asked to', async () => {
    const { tasks } = setUp();
    const fails = async () => {
      throw new AppError('tablesNotDropped', 'still there');
    };
    const task = await tasks.start({ ...request, keepsOutputs: true, run: fails });
    await tasks.drain(0);
    expect(await tasks.find(task)).toMatchObject({ status: 'error', error: 'Still there.', outputs: { projectId: 1 } });
  });

  it('aborts a task after five minutes', async () => {
    const { tasks } = setUp((delayMs, fire) => {
      if (delayMs === 300_000) queueMicrotask(fire);
      return () => {};
    });
    const task = await tasks.start({ ...request, run: never });
    await tasks.drain(0);
    expect(await tasks.find(task)).toMatchObject({ error: 'The task took over 5 minutes.' });
  });

  it('takes nothing while it drains, and aborts what is too slow', async () => {
    const { tasks } = setUp();
    const task = await tasks.start({ ...request, run: never });
    const drained = tasks.drain(1);
    await expect(tasks.start({ ...request, entity: '1/t', run: never })).rejects.toMatchObject({ code: 'shutdown' });
    await drained;
    expect(await tasks.find(task)).toMatchObject({ status: 'error', error: 'The service stopped before the task was finished.' });
  });

  it('ends what an earlier process of the same node left unfinished, and nothing else', async () => {
    const { tasks, open } = setUp();
    const other = open('n2');
    const left = await tasks.start({ ...request, run: never });
    const foreign = await other.start({ ...request, entity: '1/other', run: never });
    const restarted = open();
    await restarted.recover();
    expect(await restarted.find(left)).toMatchObject({ status: 'error', error: 'The service stopped before the task was finished.' });
    expect(await restarted.find(foreign)).toMatchObject({ status: 'processing' });
    await Promise.all([tasks.drain(1), other.drain(1)]);
  });

  it('sweeps once an hour, page by page', async () => {
    const stop = new AbortController();
    let sweeps = 0;
    const { tasks, store, clock } = setUp((delayMs, fire) => {
      if (delayMs !== 3_600_000) return () => {};
      sweeps += 1;
      if (sweeps > 2) queueMicrotask(() => stop.abort());
      else queueMicrotask(fire);
      return () => {};
    });
    for (let index = 0; index < 120; index += 1) await tasks.start({ ...request, entity: `1/s${index}`, run: async () => 'Done.' });
    await tasks.drain(0);
    clock.advance(3_600_001);
    const kept = await setUpTask(store, clock);
    await tasks.run(stop.signal);
    const rest = await store.range({ prefix: 'task/', limit: 1000 });
    expect(rest.entries.map(({ key }) => key)).toEqual([kept]);
  });
});

async function setUpTask(store: MemoryMetadataStore, clock: TestClock): Promise<string> {
  const tasks = new TaskRunner({ store, clock, randomId: countingIds(), nodeId: 'n3', logger: silentLogger });
  const { taskId } = await tasks.start({ ...request, entity: '1/new', run: async () => 'Done.' });
  await tasks.drain(0);
  return `task/1/${taskId}`;
}
