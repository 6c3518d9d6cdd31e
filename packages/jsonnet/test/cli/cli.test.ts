import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { buildReference, installGo } from '../support/build-reference.ts';
import { cliCases } from './cli-cases.ts';
import { runCommand } from './run-command.ts';

const ours = [process.execPath, fileURLToPath(new URL('../../bin/jsonnet-js.js', import.meta.url))];
const reference = buildReference();

describe('the command does what the reference does', () => {
  const named = cliCases.map((one) => ({
    ...one,
    title: `${one.args.join(' ')}${one.files?.['main.jsonnet'] ? `: ${one.files['main.jsonnet']}` : ''}`,
  }));
  test.concurrent.for(named)('$title', async (one, context) => {
    if (!reference) return context.skip(installGo);
    const [expected, got] = await Promise.all([runCommand([reference.command], one), runCommand(ours, one)]);
    context.expect(got).toEqual(expected);
  });
});

test.each([['--help'], ['-h', '--nothing']])('%s explains the options', async (...args) => {
  const { exitCode, stdout, stderr } = await runCommand(ours, { args });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const option of ['-e', '-S', '-y', '-m', '-o', '-c', '-J', '-s', '-t', '--tla-code-file', '--ext-str'])
    expect(stdout).toContain(option);
});

test('--version', async () => {
  const { exitCode, stdout } = await runCommand(ours, { args: ['--version'] });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/jsonnet-js .* v0\.22\.0/) });
});

test.each([{ args: [] }, { args: ['-e'] }])('nothing to evaluate: $args', async ({ args }) => {
  const { exitCode, stdout, stderr } = await runCommand(ours, { args });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^ERROR: must give (filename|code)\n\n.*\n\njsonnet-js/);
});
