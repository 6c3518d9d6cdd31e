import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

interface Suite {
  startedAt: number;
  endedAt: number;
}

/**
 * Prints the minutes of every suite and, as the last line of a run, `N passed, N failed[, N skipped]`.
 * An import error, an unhandled rejection and a run without any test count as failures; so do skips where they are forbidden.
 */
export default class SummaryReporter implements Reporter {
  readonly #suites = new Map<string, Suite>();

  onTestModuleStart(module: TestModule): void {
    const suite = this.#suites.get(module.project.name);
    if (!suite) this.#suites.set(module.project.name, { startedAt: Date.now(), endedAt: Date.now() });
  }

  onTestModuleEnd(module: TestModule): void {
    const suite = this.#suites.get(module.project.name);
    if (suite) suite.endedAt = Date.now();
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], _reason: TestRunEndReason): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') count.passed += 1;
        else if (state === 'failed') count.failed += 1;
        else count.skipped += 1;
      }
    }
    for (const [name, { startedAt, endedAt }] of this.#suites) {
      process.stdout.write(`suite ${name} ${((endedAt - startedAt) / 60_000).toFixed(2)} min\n`);
    }
    if (count.skipped > 0 && process.env['FORBID_SKIPS'] === '1') {
      process.stdout.write(`${count.skipped} skipped tests count as failed here\n`);
      count.failed += count.skipped;
      count.skipped = 0;
    }
    if (count.failed > 0 || count.passed === 0) process.exitCode = 1;
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}\n`);
  }
}
