import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface StartServiceOptions {
  /** What is started; `all` where it is left out. */
  readonly component?: string;
  readonly dataDir: string;
  /** Settings as command line arguments. */
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where its log goes: the terminal, or a file descriptor. */
  readonly log: 'inherit' | number;
}

export interface StartedService extends AsyncDisposable {
  /** URLs by component; `token` only on the first start in a folder. */
  readonly report: { readonly urls: Readonly<Record<string, string>>; readonly token?: string };
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Asks for a graceful stop; a second call forces one. */
  stop(): void;
}

/** The service ended before it was ready; it has said why. */
export class StartFailure extends Error {
  readonly end: number | NodeJS.Signals;

  constructor(end: number | NodeJS.Signals) {
    super(`the service ended with ${end} before it was ready`);
    this.end = end;
  }
}

const binary = fileURLToPath(new URL('../packages/server/bin/sluice.js', import.meta.url));
/** Rows reach the table within seconds. */
const demoProfile = fileURLToPath(new URL('../packages/server/profiles/demo.yaml', import.meta.url));
const graceMs = 35_000;

/** Settings for which no port is taken that another program may have. */
export const anyPorts: readonly string[] = [
  ...['api', 'source-http', 'operations', 'events-api', 'events-consumer-high', 'events-consumer-low', 'events-aggregator'],
  ...['channels', 'channels-stream'],
].flatMap((name) => [`--${name}-listen`, '127.0.0.1:0']);

/**
 * Starts a component, or `sluice all`, with the demo profile and waits until it is ready. Disposing stops it and waits.
 * The service gets a process group of its own: a Ctrl-C of the terminal reaches only the parent, which then decides.
 */
export async function startService({ component = 'all', dataDir, flags, env, log }: StartServiceOptions): Promise<StartedService> {
  const args = [binary, component, '--data-dir', dataDir, '--ready-line', '--config-file', demoProfile, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', log], env, detached: true });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const stop = () => void child.kill('SIGTERM');
  if (child.stdout === null) throw new Error('the service has no standard output');
  const readyLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  const first = await Promise.race([readyLine, exited.then((end) => new StartFailure(end))]);
  if (typeof first !== 'string') throw first;
  return {
    report: JSON.parse(first) as StartedService['report'],
    exited,
    stop,
    [Symbol.asyncDispose]: async () => {
      stop();
      const overdue = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(overdue);
    },
  };
}

/** The child's settings come from its flags and the profile alone, not from the caller's environment. */
export const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SLUICE_')));
