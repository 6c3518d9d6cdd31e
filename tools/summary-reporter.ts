import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Prints `N passed, N failed[, N skipped]` as the last line of a run.
 * An import error, an unhandled rejection and a run without any test count as failures.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], _reason: TestRunEndReason): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
    }
    const skipsForbidden = process.env['FORBID_SKIPS'] === '1' && skipped > 0;
    if (failed > 0 || passed === 0 || skipsForbidden) process.exitCode = 1;
    if (skipsForbidden) process.stdout.write(`${skipped} tests were skipped, which CI forbids\n`);
    process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}
