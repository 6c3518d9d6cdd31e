import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = 'packages/server/src';

/** Forbidden imports, each with the rule that must name it. */
const planted: readonly { readonly rule: string; readonly from: string; readonly imports: string }[] = [
  { rule: 'kernel-stands-alone', from: `${src}/kernel/time/planted.ts`, imports: '../../features/mapping/face.ts' },
  { rule: 'engines-below-features', from: `${src}/engines/tables/planted.ts`, imports: '../../features/mapping/face.ts' },
  { rule: 'features-below-components', from: `${src}/features/mapping/planted.ts`, imports: '../../components/root.ts' },
  { rule: 'components-below-cli', from: `${src}/components/planted.ts`, imports: '../cli/entry.ts' },
  { rule: 'adapters-behind-registry', from: `${src}/features/storage/planted.ts`, imports: '../../engines/tables/duckdb/adapter.ts' },
  { rule: 'adapters-apart', from: `${src}/engines/tables/duckdb/planted.ts`, imports: '../postgres/adapter.ts' },
  { rule: 'registry-is-lazy', from: `${src}/engines/tables/registry.ts`, imports: './duckdb/adapter.ts' },
  { rule: 'private-rooms', from: `${src}/features/ingest/planted.ts`, imports: '../storage/block/room.ts' },
  { rule: 'feature-graph-mapping', from: `${src}/features/mapping/planted-graph.ts`, imports: '../ingest/face.ts' },
  { rule: 'feature-graph-storage', from: `${src}/features/storage/planted-graph.ts`, imports: '../ingest/face.ts' },
  { rule: 'driver-in-adapter-nodesqlite', from: `${src}/features/storage/planted-driver.ts`, imports: 'node:sqlite' },
  { rule: 'contract-runs-anywhere', from: 'packages/contract/src/planted.ts', imports: 'node:fs' },
  { rule: 'contract-stands-alone', from: 'packages/contract/src/planted-server.ts', imports: '../../server/src/kernel/time/clock.ts' },
  { rule: 'no-cycles', from: `${src}/kernel/time/cycle-a.ts`, imports: './cycle-b.ts' },
  { rule: 'no-unresolvable', from: `${src}/kernel/time/planted-lost.ts`, imports: './nowhere.ts' },
  { rule: 'no-dev-dependencies', from: `${src}/kernel/time/planted-dev.ts`, imports: 'fast-check' },
  { rule: 'no-tests-in-product', from: `${src}/kernel/time/planted-test.ts`, imports: './clock.test.ts' },
];

const innocent = [
  `${src}/features/mapping/face.ts`,
  `${src}/features/ingest/face.ts`,
  `${src}/features/storage/block/room.ts`,
  `${src}/components/root.ts`,
  `${src}/cli/entry.ts`,
  `${src}/engines/tables/duckdb/adapter.ts`,
  `${src}/engines/tables/postgres/adapter.ts`,
  `${src}/kernel/time/clock.ts`,
  `${src}/kernel/time/clock.test.ts`,
];

test('each planted forbidden import is named by its rule, and nothing else is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-boundaries-'));
  try {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    write('package.json', JSON.stringify({ type: 'module', devDependencies: { 'fast-check': '4.10.2' } }));
    for (const path of innocent) write(path, 'export const value = 1;\n');
    for (const { from, imports } of planted) write(from, `import '${imports}';\nexport const planted = 1;\n`);
    write(`${src}/kernel/time/cycle-b.ts`, `import './cycle-a.ts';\nexport const planted = 1;\n`);
    const run = spawnSync(process.execPath, [join(root, 'tools/check-boundaries.ts'), folder], { encoding: 'utf8' });
    const found = run.stdout.split('\n').filter((line) => line.includes(' -> '));
    for (const { rule, from } of planted) {
      expect(
        found.some((line) => line.startsWith(`${rule}: ${from} `)),
        `${rule} on ${from} in:\n${run.stdout}${run.stderr}`,
      ).toBe(true);
    }
    const sources = new Set([...planted.map(({ from }) => from), `${src}/kernel/time/cycle-b.ts`]);
    expect(found.filter((line) => ![...sources].some((source) => line.includes(`: ${source} `)))).toEqual([]);
    expect(run.status).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
