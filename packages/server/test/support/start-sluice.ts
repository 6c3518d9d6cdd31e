import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { areFree } from './free-ports.ts';

export interface StartOptions {
  readonly dataDir: string;
  /** Further command line arguments, after `all`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program that is started instead of the product's own. */
  readonly entry?: string;
  readonly nodeFlags?: readonly string[];
  /** Gets the process before it is ready. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

export interface RunningSluice extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly urls: Readonly<Record<string, string>>;
  /** Only of the first start in a folder. */
  readonly token: string | undefined;
  /** What the process wrote to standard error so far, its last 64 kB. */
  log(): string;
  /** Resolves to exit code or signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** SIGTERM, then waits. */
  stop(): Promise<number | NodeJS.Signals>;
}

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const demoProfile = fileURLToPath(new URL('../../profiles/demo.yaml', import.meta.url));
/** Rows reach the table within seconds. */
export const demoFlags = ['--config-file', demoProfile] as const;

/** Most tests are no heavier for 64 MB written at each first start. */
const withoutBallast = { SLUICE_STORAGE_DISK_BALLAST: '0' };

let nextPort = 20_000 + (process.pid % 110) * 100;
/** Nine free ports are likely here: blocks differ between processes and calls, and lie below the ephemeral range. */
export function portBase(): number {
  nextPort = nextPort > 31_000 ? 20_000 : nextPort + 10;
  return nextPort;
}

/** As `portBase`, and nobody listens on its ports at this moment. */
async function freePortBase(): Promise<number> {
  for (;;) {
    const base = portBase();
    if (await areFree(base, 9)) return base;
  }
}

/** Starts `sluice all` as a process of its own and waits until it is ready. Rejects with its log where it is not. */
export async function startSluice({
  dataDir,
  flags = [],
  env = {},
  entry = binary,
  nodeFlags = [],
  onSpawn,
}: StartOptions): Promise<RunningSluice> {
  const base = await freePortBase();
  const args = [...nodeFlags, entry, 'all', '--data-dir', dataDir, '--ready-line', '--port-base', String(base), ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...withoutBallast, ...env } });
  onSpawn?.(child);
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-65_536);
  });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([once(lines, 'line').then(([text]) => String(text)), exited.then((end) => ({ end }))]);
  if (typeof line !== 'string') throw new Error(`sluice ended with ${line.end} before it was ready:\n${tail}`);
  const report = JSON.parse(line) as { urls: Record<string, string>; token?: string };
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return exited;
  };
  return {
    process: child,
    urls: report.urls,
    token: report.token,
    log: () => tail,
    exited,
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
