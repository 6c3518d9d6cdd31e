import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseGolden } from '../packages/jsonnet/test/golden/golden-file.ts';

const folder = fileURLToPath(new URL('../packages/jsonnet/test/golden/', import.meta.url));

/** One row for each function of the standard library: its name, the golden files that call it, and the shortest program that does and gives a value. */
export function jsonnetStdRows(): string[][] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.golden'))
    .map((name) => ({ name, cases: parseGolden(readFileSync(folder + name, 'utf8')) }));
  const list = files.flatMap(({ cases }) => cases).find(({ question }) => question.code === 'std.objectFieldsAll(std)');
  const names = (JSON.parse(String(list?.answer.output)) as string[]).filter((name) => /^[a-z]/i.test(name));
  return names.map((name) => {
    const use = new RegExp(`\\bstd\\.${name}\\b`);
    const found = files
      .map(({ name: file, cases }) => ({ file, cases: cases.filter(({ question }) => use.test(question.code)) }))
      .filter(({ cases }) => cases.length > 0);
    const all = found.flatMap(({ cases }) => cases);
    const good = all.filter(({ answer }) => answer.error === undefined);
    const codes = (good.length > 0 ? good : all).map(({ question }) => question.code);
    if (codes.length === 0) throw new Error(`no golden program uses std.${name}`);
    const shortest = codes.reduce((a, b) => (b.length < a.length ? b : a));
    const counts = found.map(({ file, cases }) => `${cases.length} in \`${file}\``);
    return [`\`std.${name}\``, counts.join(', '), `\`${shortest.replace(/\s+/g, ' ')}\``];
  });
}
