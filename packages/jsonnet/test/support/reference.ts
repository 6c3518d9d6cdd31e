import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { buildReference } from './build-reference.ts';
import type { Answer, Question } from './question.ts';

export interface Reference extends AsyncDisposable {
  ask(question: Question): Promise<Answer>;
}

/** Starts the reference; the first use builds it. Gives nothing where there is no Go; throws where Go cannot build it. */
export function openReference(): Reference | undefined {
  const programs = buildReference();
  return programs && new ReferenceProcess(programs.harness);
}

class ReferenceProcess implements Reference {
  readonly #child;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #failed: ((error: Error) => void)[] = [];

  constructor(program: string) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#failed.shift();
      this.#waiting.shift()?.(JSON.parse(line) as Answer);
    });
    this.#child.on('exit', (code, signal) => {
      for (const fail of this.#failed) fail(new Error(`the reference ended before it answered: ${signal ?? code}`));
      this.#failed = [];
    });
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      this.#failed.push(reject);
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }
}
