import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { callAdmin } from '../packages/server/src/kernel/folder/admin-client.ts';
import { ApiClient } from '../packages/server/test/support/api-client.ts';
import { queryRows } from '../packages/server/test/support/query.ts';
import { earthquakeQueries, earthquakeSink, earthquakeTable, readEarthquakes } from './earthquakes.ts';
import { postEvents } from './post-events.ts';
import { type DemoRun, runDemo, say } from './run-demo.ts';
import { anyPorts, type StartedService, startService, withoutSettings } from './start-service.ts';

/**
 * The ingest lane on real input: one week of earthquakes, one request for each, from HTTP to a table, and queries on it.
 * Ends with 0 only if the table has every event of the file exactly once, and every one of them was acknowledged.
 */

const connections = 16;
const importTimeoutMs = 40_000;
const binary = fileURLToPath(new URL('../packages/server/bin/sluice.js', import.meta.url));

/** Resolves to the number of rows, once everything is checked and the service has stopped. */
async function demo({ folder, logFile, signal }: DemoRun): Promise<number> {
  const dataDir = join(folder, 'data');
  const events = await readEarthquakes();
  const service = await start(logFile, dataDir);
  let rows: number;
  {
    await using running = service;
    rows = await ingestAndQuery(running, { dataDir, events, signal }).catch(async (error: unknown) => {
      const end = await Promise.race([running.exited, sleep(500, undefined)]);
      throw end === undefined ? error : new Error(`the service ended with ${end}`, { cause: error });
    });
  }
  const end = await service.exited;
  if (end !== 0) throw new Error(`the service did not stop cleanly, but with ${end}`);
  return rows;
}

async function start(logFile: string, dataDir: string): Promise<StartedService> {
  await using log = await open(logFile, 'a');
  const service = await startService({ dataDir, flags: anyPorts, env: withoutSettings(process.env), log: log.fd });
  say(`service   API ${service.report.urls['api']}, events ${service.report.urls['source']}, on embedded engines`);
  return service;
}

interface DemoInput {
  readonly dataDir: string;
  readonly events: readonly string[];
  readonly signal: AbortSignal;
}

async function ingestAndQuery({ report }: StartedService, { dataDir, events, signal }: DemoInput): Promise<number> {
  signal.throwIfAborted();
  const api = new ApiClient({ apiUrl: report.urls['api'] ?? '', token: report.token ?? '' });
  const url = await api.createSource('demo');
  await api.createTableSink('demo', earthquakeSink);
  say(
    `created   source "demo" and sink "${earthquakeSink.sinkId}" with ${earthquakeSink.columns.length} columns -> table ${earthquakeTable}`,
  );

  const [first = ''] = events;
  const preview = await api.preview('demo', first);

  const started = performance.now();
  const acknowledged = await postEvents({ url, events, connections, signal, onAcknowledged: progressOf(events.length) });
  const seconds = (performance.now() - started) / 1000;
  say(
    `sent      ${acknowledged} earthquakes in ${seconds.toFixed(1)} s, a request each, ${connections} connections; every OK came after the sync to disk`,
  );

  const rows = await importedRows(dataDir, { expected: events.length, signal });
  const [[count, distinct] = []] = await queryRows(dataDir, `SELECT count(*), count(DISTINCT event_id) FROM ${earthquakeTable}`);
  const figures = `${events.length} in the file, ${acknowledged} acknowledged, ${rows} imported, ${count} rows in the table, ${distinct} different`;
  if (new Set([events.length, acknowledged, rows, count, distinct]).size !== 1) throw new Error(`the counts differ: ${figures}`);
  say(`imported  ${figures}`);
  say(`checked   ${await checkedTemplates(dataDir, preview)}`);

  for (const { title, sql } of earthquakeQueries) {
    signal.throwIfAborted();
    const { stdout } = await promisify(execFile)(process.execPath, [binary, 'query', '--data-dir', dataDir, sql], { signal });
    say(`\n${title}\n\n${stdout.replaceAll(/^/gm, '  ').trimEnd()}`);
  }
  return rows;
}

/** The template's value of every row says what another column says, and that of the first event what the preview showed. */
async function checkedTemplates(dataDir: string, preview: readonly string[]): Promise<string> {
  const shown = preview[earthquakeSink.columns.findIndex(({ name }) => name === 'network_id')] ?? '';
  const sql = `SELECT count(*), count(*) FILTER (network_id = event_id), count(*) FILTER (network_id = '${shown}') FROM ${earthquakeTable}`;
  const [[all, equal, asShown] = []] = await queryRows(dataDir, sql);
  if (all !== equal || asShown !== 1)
    throw new Error(`the template column is right in ${equal} of ${all} rows, and as shown in ${asShown}`);
  return `the template column is right in ${equal} rows, and was "${shown}" in the preview, too`;
}

interface StatusOutput {
  readonly sinks: readonly { readonly rows: { readonly local: number; readonly staged: number; readonly imported: number } }[];
}

/** Waits until no row is on its way any more. The count is that of the block headers, not the table's own. */
async function importedRows(dataDir: string, { expected, signal }: { expected: number; signal: AbortSignal }): Promise<number> {
  const deadline = performance.now() + importTimeoutMs;
  for (;;) {
    const status = await callAdmin(dataDir, 'status', {});
    const rows = status.running ? (status.output as StatusOutput).sinks[0]?.rows : undefined;
    if (rows && rows.imported >= expected && rows.local + rows.staged === 0) return rows.imported;
    if (performance.now() > deadline)
      throw new Error(`not everything is imported after ${importTimeoutMs / 1000} s: ${JSON.stringify(status)}`);
    await sleep(200, undefined, { signal });
  }
}

/** A terminal gets one line that grows, everything else a line for each quarter. */
function progressOf(total: number): (count: number) => void {
  const step = Math.ceil(total / (process.stdout.isTTY ? 50 : 4));
  return (count) => {
    if (count % step !== 0 && count !== total) return;
    const text = `sending   ${String(count).padStart(String(total).length)} of ${total}`;
    if (process.stdout.isTTY) process.stdout.write(count === total ? `\r\u001b[K` : `\r${text}`);
    else say(text);
  };
}

await runDemo('ingest', demo);
