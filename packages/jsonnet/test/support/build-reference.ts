import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../reference/', import.meta.url));
const cache = fileURLToPath(new URL('../../../../.cache/jsonnet-reference/', import.meta.url));
export const installGo =
  'the reference is built with Go: install Go 1.24.5 or newer (https://go.dev/dl, or the package golang-go) and put `go` on the PATH';

interface ReferencePrograms {
  /** Answers questions on standard input. */
  readonly harness: string;
  /** The `jsonnet` command. */
  readonly command: string;
}

/**
 * Builds the reference on first use, from the module proxy that the environment names. Gives nothing where there is no Go; throws
 * where Go cannot build it. A changed source or Go version gets programs of its own; two suites that build at once do not meet.
 */
export function buildReference(): ReferencePrograms | undefined {
  const version = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (version.error) return undefined;
  const hash = createHash('sha256').update(version.stdout);
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(sources + name));
  const folder = `${cache}${hash.digest('hex').slice(0, 16)}/`;
  const programs = { harness: `${folder}jsonnet-reference`, command: `${folder}jsonnet` };
  if (existsSync(folder)) return programs;
  mkdirSync(dirname(cache), { recursive: true });
  const unfinished = `${mkdtempSync(cache.replace(/\/$/, '-'))}/`;
  const args = ['build', '-trimpath', '-o', unfinished, '.', 'github.com/google/go-jsonnet/cmd/jsonnet'];
  const build = spawnSync('go', args, { cwd: sources, encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the reference cannot be built:\n${build.stderr}`);
  mkdirSync(cache, { recursive: true });
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    if (!existsSync(programs.command)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  return programs;
}
