import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installGo } from '../support/build-reference.ts';
import { comparable } from '../support/question.ts';
import { openReference } from '../support/reference.ts';
import { parseGolden, printGolden } from './golden-file.ts';

/** Writes into the golden files what the reference answers today: `node packages/jsonnet/test/golden/record-main.ts [file...]`. */
const folder = fileURLToPath(new URL('.', import.meta.url));
await using reference = openReference();
if (!reference) throw new Error(installGo);
const asked = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith('.golden') && (asked.length === 0 || asked.includes(name)));
let count = 0;
for (const name of names) {
  const cases = parseGolden(readFileSync(folder + name, 'utf8'));
  const answered = await Promise.all(cases.map(async (one) => ({ ...one, answer: comparable(await reference.ask(one.question)) })));
  writeFileSync(folder + name, printGolden(answered));
  count += cases.length;
}
process.stdout.write(`recorded ${count} programs in ${names.length} files\n`);
