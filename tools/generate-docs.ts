import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configSchema } from '../packages/server/src/components/config.ts';
import { logMetricTable } from '../packages/server/src/engines/log/log-metrics.ts';
import { fanoutMetricTable } from '../packages/server/src/features/channels/fanout-metrics.ts';
import { orderMetricTable } from '../packages/server/src/features/channels/order-metrics.ts';
import { usageMetricTable } from '../packages/server/src/features/channels/usage-metrics.ts';
import { aggregatorMetricTable } from '../packages/server/src/features/events/aggregator-metrics.ts';
import { componentMetricTable } from '../packages/server/src/features/events/component-metrics.ts';
import { consumerMetricTable } from '../packages/server/src/features/events/consumer-metrics.ts';
import { eventsMetricTable } from '../packages/server/src/features/events/events-metrics.ts';
import { ingestMetricTable } from '../packages/server/src/features/ingest/ingest-metrics.ts';
import { storageMetricTable } from '../packages/server/src/features/storage/storage-metrics.ts';
import { volumeMetricTable } from '../packages/server/src/features/storage/volume-metrics.ts';
import { describeConfig } from '../packages/server/src/kernel/config/setting.ts';
import { errorTable } from '../packages/server/src/kernel/errors/error-table.ts';
import { tlsMetricTable } from '../packages/server/src/kernel/tls/tls-metrics.ts';
import { jsonnetStdRows } from './jsonnet-std-page.ts';

/** Writes docs/reference from the code; with --check only compares, and fails where a page is old. */
const folder = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const note = 'Generated from the code by `make docs`; do not edit.';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const pages: Readonly<Record<string, string>> = {
  'config.md': `# Settings

${note}

A setting is given as a flag, as an environment variable, or in the YAML file that \`--config-file\` names; the first of these wins.
Durations are written \`300ms\`, \`1m30s\`; sizes \`16KB\`, \`5MB\` (1 KB = 1024 bytes). \`sluice config show\` prints what holds and where it comes from.

${table(
  ['setting', 'flag', 'environment', 'default', 'meaning'],
  describeConfig(configSchema).map(({ key, flag, env, defaultText, description }) => [
    `\`${key}\``,
    `\`--${flag}\``,
    env.map((name) => `\`${name}\``).join(' '),
    defaultText === undefined || defaultText === '' ? '' : `\`${defaultText}\``,
    description,
  ]),
)}
`,
  'errors.md': `# Errors

${note}

The disposition says who acts: \`caller\` corrects the request, \`retry\` may succeed unchanged, \`terminal\` needs an operator, \`bug\` needs a report.
On the wire a code carries the prefix \`stream.api.\` (configuration API) or \`stream.in.\` (HTTP source).

${table(
  ['code', 'status', 'disposition', 'meaning'],
  Object.entries(errorTable).map(([code, { status, disposition, meaning }]) => [`\`${code}\``, String(status), disposition, meaning]),
)}
`,
  'jsonnet-std.md': `# Standard library of Jsonnet

${note}

Every function and constant of \`std\` with a program that uses it and what that gives, and how many programs of
\`packages/jsonnet/test/golden\` test it. The answers come from go-jsonnet 0.22.0 and are compared with it in every run of the tests.

${table(['program', 'gives', 'tests'], jsonnetStdRows())}
`,
  'metrics.md': `# Metrics

${note}

Served at \`/metrics\` of the operations port, beside the usual process metrics of Node.

${table(
  ['metric', 'type', 'labels', 'meaning'],
  Object.entries({
    ...ingestMetricTable,
    ...storageMetricTable,
    ...volumeMetricTable,
    ...eventsMetricTable,
    ...consumerMetricTable,
    ...aggregatorMetricTable,
    ...fanoutMetricTable,
    ...componentMetricTable,
    ...orderMetricTable,
    ...logMetricTable,
    ...usageMetricTable,
    ...tlsMetricTable,
  }).map(([name, { type, labels, help }]) => [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(' '), help]),
)}
`,
};

mkdirSync(folder, { recursive: true });
const isCheck = process.argv.includes('--check');
let old = 0;
for (const [name, text] of Object.entries(pages)) {
  if (!isCheck) writeFileSync(folder + name, text);
  else if (readOr(folder + name) !== text) {
    old += 1;
    process.stderr.write(`docs/reference/${name} is not what the code says: run \`make docs\`\n`);
  }
}
process.exit(old > 0 ? 1 : 0);

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
