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

/** Enough to hear an order that is taken once in ten times, as the rarest of two arguments is: all of these miss it once in 10^18. */
const maxAsked = 400;

/**
 * The reference forces the arguments of a tailstrict call in no fixed order. So of two errors in them it names either; and where one of them is
 * a default value it crashes, unless another one fails before it. Asks until it gives the answer or crashes.
 */
async function askAgain(asked: Reference, { question, got }: { readonly question: Question; readonly got: Answer }) {
  for (let count = 0; count < maxAsked; count += 1) {
    const answer = spokenOnce(await asked.ask(question));
    if (isCrash(answer)) return 'crash';
    if (isDeepStrictEqual(got, answer)) return 'same';
  }
  return 'different';
}

const isCrash = ({ error }: Answer): boolean => error?.startsWith('INTERNAL ERROR') === true;

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
    if (isCrash(expected)) {
      counts.crash += 1;
      return;
    }
    counts[expected.error === undefined ? 'output' : 'error'] += 1;
    const got = spokenOnce(ask(question));
    if (isDeepStrictEqual(got, spokenOnce(expected))) return;
    const again = await askAgain(reference, { question, got });
    if (again === 'crash') counts.crash += 1;
    if (again !== 'different') return;
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
