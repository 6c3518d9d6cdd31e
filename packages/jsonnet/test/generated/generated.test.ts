import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { installGo } from '../support/build-reference.ts';
import { ask } from '../support/ours.ts';
import { type Answer, comparable, type Question } from '../support/question.ts';
import { openReference, type Reference } from '../support/reference.ts';
import { Decisions } from './decisions.ts';
import { randomProgram } from './random-program.ts';

const reference = openReference();
afterAll(() => reference?.[Symbol.asyncDispose]());

const { SEED, LONG } = process.env;
const seed = SEED === undefined ? Date.now() % 2 ** 31 : Number(SEED);
const runs = LONG === '1' ? 30_000 : 3_000;
/** Programs that need more than half of the frames are thrown away, and so are those that crash the reference. */
const halfOfFrames = 250;

/** The reference forces the arguments of a tailstrict call in no fixed order, so of two errors in them it names either. */
const othersOf = (asked: Reference, question: Question): Promise<Answer[]> =>
  Promise.all(Array.from({ length: 20 }, async () => spokenOnce(await asked.ask(question))));

/** The reference evaluates an object's local anew for each field that uses it, so the trace in it speaks more than once. */
function spokenOnce(answer: Answer): Answer {
  const lines = new Set(answer.trace.split('\n'));
  return { ...comparable(answer), trace: [...lines].join('\n') };
}

test('random programs give what the reference gives', { timeout: 30 * 60_000 }, async (context) => {
  if (!reference) return context.skip(installGo);
  const counts = { output: 0, error: 0, deep: 0, crash: 0 };
  const decisions = fc.array(fc.nat({ max: 0xffff }), { maxLength: 150, size: 'max' });
  const property = fc.asyncProperty(decisions, async (numbers) => {
    const question: Question = { name: 'p', code: randomProgram(new Decisions(numbers)), kind: 'json' };
    const expected = comparable(await reference.ask({ ...question, maxStack: halfOfFrames }));
    if (expected.error?.includes('max stack frames exceeded')) {
      counts.deep += 1;
      return;
    }
    if (expected.error?.startsWith('INTERNAL ERROR')) {
      counts.crash += 1;
      return;
    }
    counts[expected.error === undefined ? 'output' : 'error'] += 1;
    const got = spokenOnce(ask(question));
    if (isDeepStrictEqual(got, spokenOnce(expected))) return;
    const others = await othersOf(reference, question);
    if (others.some((other) => isDeepStrictEqual(got, other))) return;
    expect(got, question.code).toEqual(spokenOnce(expected));
  });
  try {
    await fc.assert(property, { seed, numRuns: runs });
  } finally {
    process.stdout.write(
      `jsonnet generated: SEED=${seed}, ${counts.output} outputs, ${counts.error} errors; thrown away: ${counts.deep} too deep, ${counts.crash} that crash the reference\n`,
    );
  }
  expect(counts.deep + counts.crash).toBeLessThan(runs / 20);
});
