import { createHash } from 'node:crypto';
import { cp, glob, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { memberFlag } from '../../src/features/storage/block/member-header.ts';
import { importableText } from '../../src/features/storage/upload/importable-text.ts';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { readStrictCsv } from '../support/strict-csv.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { corruptionRun, maxRunMs } from './corruption-run.ts';
import { type DamageCase, planDamage } from './damage-plan.ts';
import { applyDamage, describeDamage, placeOfDamage } from './disk-damage.ts';
import { expectedRows, rowsOf } from './expected-rows.ts';
import { buildMixedPart, type PartMember } from './mixed-part.ts';

const run = corruptionRun();
/** One row does not end its slice for a while; more do at once. */
const flags = [
  ...demoFlags,
  '--storage-level-staging-upload-trigger-interval',
  '15s',
  '--storage-level-staging-upload-trigger-count',
  '2',
  '--storage-level-target-import-trigger-interval',
  '1s',
];
let temp: Awaited<ReturnType<typeof openTempFolder>>;
/** A data folder with a sink, stopped before it got a row. */
let template: string;
beforeAll(async () => {
  temp = await openTempFolder();
  template = join(temp.path, 'template');
  await using service = await startSluice({ dataDir: template, flags });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('events');
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-f.rows', columns: [{ type: 'body', name: 'body' }] });
  // So that the slice gets its folder: the row goes with the part that takes its place.
  expect((await fetch(url, { method: 'POST', body: 'first' })).status).toBe(200);
  expect(await service.stop()).toBe(0);
});
afterAll(() => temp[Symbol.asyncDispose]());

const rowsSchema = z.object({ imported: z.int(), damaged: z.int(), local: z.int(), staged: z.int(), quarantined: z.int() });
const sinkSchema = z.object({ rows: rowsSchema, conservation: z.object({ violations: z.array(z.unknown()) }) });
const statusSchema = z.object({ output: z.object({ sinks: z.array(sinkSchema) }) });
const partsOf = (dataDir: string): Promise<string[]> => Array.fromAsync(glob(`${dataDir}/volumes/*/*/1/1/events/rows/*/*.csv.gz`));
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** Of the texts that the table must have. */
const expectedTexts = (members: readonly PartMember[]): string[] =>
  members
    .flatMap(({ raw, header }) => readStrictCsv((header.flags & memberFlag.invalidUtf8) === 0 ? raw : importableText(raw, true)))
    .map(([text = Buffer.alloc(0)]) => md5(text))
    .sort();

test('a service starts on a damaged folder, imports the rows that are left, and counts and names the others', {
  timeout: maxRunMs,
}, async () => {
  const part = await buildMixedPart(new SeededRandom(run.seed));
  const random = new SeededRandom(derivedSeed(run.seed, 3));
  const planned = [...planDamage(part, { random, isLong: false })].filter(
    ({ part: { bytes }, damage }) => placeOfDamage(bytes, applyDamage(bytes, damage), damage) !== undefined,
  );
  const kinds = ['flip', 'cut', 'overwrite', 'remove'] as const;
  const cases = Array.from({ length: run.isLong ? 40 : 3 }, (_, index) => {
    const ofKind = planned.filter(({ damage }) => damage.kind === kinds[(run.seed + index) % kinds.length]);
    return ofKind[random.between(0, ofKind.length - 1)];
  });
  for (const [index, one] of cases.entries()) if (one) await expectKept(one, join(temp.path, `data-${index}`));
  run.say({ what: 'service', cases: cases.length, members: part.members.length, lost: 0 });
});

async function expectKept({ part, damage }: DamageCase, dataDir: string): Promise<void> {
  const what = `part of ${part.bytes.length} bytes, ${describeDamage(damage)}`;
  const { arriving, damagedRows, isUnknown, isTraceless } = expectedRows(part, damage, false);
  await cp(template, dataDir, { recursive: true });
  const [placeholder = ''] = await partsOf(dataDir);
  await rm(placeholder);
  const path = join(dirname(placeholder), `${part.name}.csv.gz`);
  await writeFile(path, applyDamage(part.bytes, damage));
  const named = (await fsckFindings(dataDir)).filter((finding) => path.endsWith(finding.path));
  expect(named.length > 0, what).toBe(!isTraceless);

  await using service = await startSluice({ dataDir, flags });
  const status = async () => statusSchema.parse(await callAdmin(dataDir, 'status', {})).output.sinks[0];
  const good = rowsOf(arriving);
  const sink = await waitFor(status, (one) => one?.rows.imported === good && one.rows.damaged === damagedRows);
  expect(sink, what).toMatchObject({
    rows: { imported: good, damaged: damagedRows, local: 0, staged: 0, quarantined: 0 },
    conservation: { violations: [] },
  });
  const rows = await queryRows(dataDir, 'SELECT md5(body) FROM "in.c-f"."rows" ORDER BY 1');
  expect(rows.flat(), what).toEqual(expectedTexts(arriving));
  const after = (await fsckFindings(dataDir)).filter(({ type }) => type === 'damagedMember');
  expect(after.length > 0, what).toBe(damagedRows > 0 || isUnknown);
  expect(
    after.every((finding) => path.endsWith(finding.path)),
    what,
  ).toBe(true);
  const text = await runSluice('status', '--data-dir', dataDir);
  expect(text.out, what).toContain(`${damagedRows} damaged`);
  expect(await service.stop(), what).toBe(0);
}

async function fsckFindings(dataDir: string): Promise<{ readonly type: string; readonly path: string }[]> {
  const { code, out } = await runSluice('fsck', dataDir, '--json');
  const { findings } = JSON.parse(out);
  expect(code).toBe(findings.length > 0 ? 1 : 0);
  return findings;
}
