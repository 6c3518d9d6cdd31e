import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileDurably } from '../packages/server/src/kernel/folder/durable-file.ts';
import { ensureDemoTable, keepToken } from './demo-table.ts';
import { type StartedService, StartFailure, startService } from './start-service.ts';
import { onStopSignal } from './stop-signals.ts';

/**
 * The service for looking around: all components on embedded engines and the loopback address, the demo profile, a source
 * and a table to post to, and lines to paste. Ctrl-C stops it; the data folder stays.
 *
 * `--data-dir D` takes another folder, `--port-base N` the ports N (API), N+1 (HTTP source), N+2 (operations), N+3 (events API).
 */
const { values } = parseArgs({
  options: { 'data-dir': { type: 'string', default: 'data' }, 'port-base': { type: 'string', default: '0' } },
});
const dataDir = values['data-dir'];
const tokenFile = join(dataDir, 'admin-token');
const urlFile = join(dataDir, 'demo-url');
const listeners = ['--api-listen', '127.0.0.1:8000', '--source-http-listen', '127.0.0.1:7000', '--operations-listen', '127.0.0.1:9000'];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const stopping = new AbortController();
  onStopSignal(() => {
    // The first one asks the service to stop; every further one goes on to it and forces the end.
    if (stopping.signal.aborted) service?.stop();
    else stopping.abort();
  });
  const flags = [...listeners, '--port-base', values['port-base']];
  let service: StartedService | undefined;
  try {
    service = await startService({ dataDir, flags, env: process.env, log: 'inherit' });
  } catch (error) {
    // The service has said why on standard error.
    if (error instanceof StartFailure) return typeof error.end === 'number' ? error.end : 1;
    throw error;
  }
  await using running = service;
  if (stopping.signal.aborted) running.stop();
  else stopping.signal.addEventListener('abort', () => running.stop());
  try {
    await prepare(running);
  } catch (error) {
    if (!stopping.signal.aborted) {
      process.stderr.write(`The demo table cannot be prepared: ${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }
  }
  const end = await running.exited;
  if (end !== 0)
    process.stderr.write(`The service ended with ${end}; what was acknowledged is in ${dataDir} and comes with the next start.\n`);
  return typeof end === 'number' ? end : 1;
}

async function prepare({ report }: StartedService): Promise<void> {
  const { api = '', source, operations } = report.urls;
  const token = await keepToken({ apiUrl: api, dataDir, tokenFile, firstToken: report.token });
  const url = await ensureDemoTable({ apiUrl: api, token });
  await writeFileDurably(urlFile, `${url}\n`);
  say(`Sluice runs. Ctrl-C stops it; everything stays in the folder ${dataDir}.

  API         ${api}
  events      ${source}
  operations  ${operations}  (/readyz, /metrics)
  token       ${token}  (also in ${tokenFile})

Post an event, in another terminal:

  curl -d '{"event":"signup","user":{"name":"Ada"},"amount":12.5}' -H 'Content-Type: application/json' ${url}

About three seconds later it is a row:

  ./sluice query --data-dir ${dataDir} 'SELECT received_at, event, user_name, amount FROM "in.c-demo".events'
`);
}

process.exitCode = await main();
