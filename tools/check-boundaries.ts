import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// The tool's exit code is the number of errors modulo 256, so its JSON summary decides.
const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const config = fileURLToPath(new URL('../.dependency-cruiser.js', import.meta.url));
const bin = fileURLToPath(new URL('../node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', import.meta.url));
const run = spawnSync(process.execPath, [bin, '--config', config, '--output-type', 'json', 'packages'], {
  cwd: folder,
  encoding: 'utf8',
  maxBuffer: 256 * 1024 * 1024,
});
if (!run.stdout.startsWith('{')) {
  process.stderr.write(run.stdout + run.stderr);
  process.exit(1);
}
const { summary } = JSON.parse(run.stdout) as {
  summary: { error: number; totalCruised: number; violations: { from: string; to: string; rule: { name: string; severity: string } }[] };
};
for (const { from, to, rule } of summary.violations) process.stdout.write(`${rule.name}: ${from} -> ${to}\n`);
process.stdout.write(`boundaries: ${summary.totalCruised} modules, ${summary.error} errors\n`);
process.exit(summary.error > 0 || summary.totalCruised === 0 ? 1 : 0);
