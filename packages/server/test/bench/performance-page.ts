import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bodySeed } from './ingest/bench-event.ts';
import { barText, isGood, numberText, reportFolder, reportSchema } from './report.ts';

const page = fileURLToPath(new URL('../../../../docs/reference/performance.md', import.meta.url));

/** Writes `docs/reference/performance.md` from what the benchmarks left, and returns what it wrote. */
export function writePerformancePage(): string {
  const reports = readdirSync(reportFolder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => reportSchema.parse(JSON.parse(readFileSync(join(reportFolder, name), 'utf8'))));
  const machines = new Set(
    reports.map(
      ({ machine: { cpu, cores, memoryBytes, platform, kernel } }) =>
        `${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GB, ${platform} ${kernel}`,
    ),
  );
  const versions = new Set(
    reports.map((report) =>
      Object.entries(report.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ),
  );
  const sections = reports.map(({ name, at, figures }) => {
    const rows = figures.map((figure) => {
      const bar = barText(figure);
      return `| \`${figure.id}\` | ${numberText(figure.value)} | ${figure.unit} | ${bar && `${bar} ${isGood(figure) ? 'ok' : 'missed'}`} |`;
    });
    return `## ${name}\n\nMeasured ${at.slice(0, 10)}.\n\n| figure | value | unit | bar |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  writeFileSync(
    page,
    `# Performance

Generated from the figures of a full run by \`make bench LONG=1 REPORT=1\`; do not edit. What they mean and where the time goes is in
[the design](../design/20-performance.md).

Machine: ${[...machines].join('; ')}. Versions: ${[...versions].join('; ')}. Sync mode \`disk\` (fdatasync before every answer), gzip level 1 where nothing else is said;
bodies are the same in every run (seed ${bodySeed}). The client shares the cores with the server. Each figure is the median of pairs measured in turn
with a bare \`node:http\` server that only parses the JSON.

${sections.join('\n')}`,
  );
  return `wrote ${page}`;
}
