import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface LaneProcessOptions {
  /** For people. */
  readonly name: string;
  /** Of the command line of the product. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const binary = fileURLToPath(new URL('../../../bin/sluice.js', import.meta.url));
const readyWithinMs = 60_000;
const stopWithinMs = 20_000;

/** One process of the product that may be killed, frozen, stopped and started again, as often as one likes. */
export class LaneProcess implements AsyncDisposable {
  readonly name: string;
  readonly #options: LaneProcessOptions;
  readonly #errorLines: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<number | NodeJS.Signals> = Promise.resolve(0);
  #tail = '';
  #urls: Readonly<Record<string, string>> = {};
  /** What ends the process is asked for. */
  #isEnding = false;
  #unasked: string | undefined;
  #env: Readonly<Record<string, string>>;

  constructor(options: LaneProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#env = options.env;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Of the last start, by component. */
  get urls(): Readonly<Record<string, string>> {
    return this.#urls;
  }

  /** The last 64 kB of its standard error, over all starts. */
  get log(): string {
    return this.#tail;
  }

  /** Lines of level error or fatal that it logged, and an end that nobody asked for. */
  get problems(): readonly string[] {
    return [...this.#errorLines, ...(this.#unasked === undefined ? [] : [this.#unasked])];
  }

  /** Environment of the starts to come. */
  change(env: Readonly<Record<string, string>>): void {
    this.#env = { ...this.#env, ...env };
  }

  /** Resolves when it is ready; rejects with the end of its log. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    this.#isEnding = false;
    const child = spawn(process.execPath, [binary, ...this.#options.args, '--ready-line'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => this.#take(line));
    this.#exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
    void this.#exited.then((end) => {
      if (this.#child === child && !this.#isEnding) this.#unasked ??= `it ended by itself with ${end}`;
    });
    const overdue = setTimeout(() => child.kill('SIGKILL'), readyWithinMs);
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, 'line').then(([line]) => String(line)), this.#exited]);
    clearTimeout(overdue);
    if (typeof first === 'string' && first.startsWith('{')) {
      this.#urls = (JSON.parse(first) as { urls: Record<string, string> }).urls;
      return;
    }
    if (!this.#isEnding) throw new Error(`${this.name} ended with ${first} before it was ready:\n${this.#tail}`);
  }

  /** SIGKILL; resolves when it is gone. Also while it starts. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM; resolves to its exit code, or the signal where it had to be killed. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.#isEnding = true;
    this.#child?.kill('SIGTERM');
    const overdue = setTimeout(() => this.#child?.kill('SIGKILL'), stopWithinMs);
    const end = await this.#exited;
    clearTimeout(overdue);
    return end;
  }

  /** SIGSTOP: it holds what it has, and does not know that time passes. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #take(line: string): void {
    this.#tail = `${this.#tail}${line}\n`.slice(-65_536);
    if (/"level":"(?:error|fatal)"/.test(line)) this.#errorLines.push(line);
  }
}
