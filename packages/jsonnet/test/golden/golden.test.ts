import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { installGo } from '../support/build-reference.ts';
import { ask } from '../support/ours.ts';
import { comparable } from '../support/question.ts';
import { openReference } from '../support/reference.ts';
import { parseGolden, printGolden } from './golden-file.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const reference = openReference();
afterAll(() => reference?.[Symbol.asyncDispose]());

const goldens = readdirSync(folder)
  .filter((name) => name.endsWith('.golden'))
  .map((name) => ({ name, text: readFileSync(folder + name, 'utf8') }))
  .map(({ name, text }) => ({ name, text, cases: parseGolden(text) }));

test('there are at least 400 programs', () => {
  const count = goldens.reduce((sum, { cases }) => sum + cases.length, 0);
  process.stdout.write(`jsonnet golden: ${count} programs in ${goldens.length} files\n`);
  expect(count).toBeGreaterThanOrEqual(400);
});

describe.each(goldens)('$name', ({ text, cases }) => {
  test('the reference answers what is recorded', async (context) => {
    if (!reference) return context.skip(installGo);
    const answered = await Promise.all(cases.map(async (one) => ({ ...one, answer: comparable(await reference.ask(one.question)) })));
    expect(printGolden(answered)).toBe(text);
  });

  test.each(cases)('$title', ({ question, answer }) => {
    expect(comparable(ask(question))).toEqual(answer);
  });
});
