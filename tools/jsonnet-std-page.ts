import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseGolden } from '../packages/jsonnet/test/golden/golden-file.ts';

const folder = fileURLToPath(new URL('../packages/jsonnet/test/golden/', import.meta.url));

/** One row for each function of the standard library: its name, its example with the answer, and how many golden programs call it. */
export function jsonnetStdRows(): string[][] {
  const cases = readdirSync(folder)
    .filter((name) => name.endsWith('.golden'))
    .flatMap((name) => parseGolden(readFileSync(folder + name, 'utf8')));
  const examples = parseGolden(readFileSync(`${folder}std-examples.golden`, 'utf8'));
  const names = cases.find(({ question }) => question.code.includes('in std.objectFieldsAll(std)'))?.answer.output;
  const documented = (JSON.parse(String(names)) as string[]).filter((name) => /^[a-z]/i.test(name));
  return documented.map((name) => {
    const example = examples.find(({ question }) => question.code.match(/^std\.(\w+)/)?.[1] === name);
    if (!example) throw new Error(`std-examples.golden has no program that begins with std.${name}`);
    const use = new RegExp(`\\bstd\\.${name}\\b`);
    const { output } = example.answer;
    return [
      `\`${example.question.code}\``,
      `\`${String(output)
        .trim()
        .replace(/\s*\n\s*/g, ' ')}\``,
      String(cases.filter(({ question }) => use.test(question.code)).length),
    ];
  });
}
