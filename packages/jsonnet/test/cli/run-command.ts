import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CliCase } from './cli-cases.ts';

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Everything in the folder afterwards. */
  readonly files: Readonly<Record<string, string>>;
}

/** Runs a command in a fresh folder. */
export async function runCommand(
  [program = '', ...first]: readonly string[],
  { args, files = {}, stdin = '', env = {} }: CliCase,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'jsonnet-cli-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const child = spawn(program, [...first, ...args], { cwd: folder, env: { PATH: process.env['PATH'], ...env } });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const exited = new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve);
      child.once('error', reject);
    });
    const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    return { exitCode, stdout, stderr, files: readFiles(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const readFiles = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort((a, b) => (a < b ? -1 : 1))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
