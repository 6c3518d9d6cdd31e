import { aloneOnThisMachine } from './install-cache.ts';
import { findProgram, runTool } from './run-tool.ts';

interface DebianProgram {
  /** Name on the PATH, or where its package puts it. */
  readonly program: string;
  readonly packages: readonly string[];
}

/** Path of the program. Its packages are installed where it is missing and the user is root; else a sentence says what to install. */
export async function debianProgram({ program, packages }: DebianProgram, userId = process.getuid?.()): Promise<string> {
  const found = await findProgram(program);
  if (found) return found;
  const missing = `The program ${program} is missing: it comes with the Debian package ${packages.join(' and ')}.`;
  if (userId !== 0) throw new Error(`${missing} Install it by 'apt-get install ${packages.join(' ')}', or run this as root.`);
  if (!(await findProgram('apt-get'))) throw new Error(`${missing} There is no apt-get here to install it: do that by other means.`);
  return aloneOnThisMachine(async () => {
    const meanwhile = await findProgram(program);
    if (meanwhile) return meanwhile;
    try {
      await install(packages);
    } catch (error) {
      throw new Error(`${missing} It could not be installed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const path = await findProgram(program);
    if (!path) throw new Error(`${missing} It is installed but did not bring that program.`);
    return path;
  });
}

const quiet = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
const lockWait = ['-o', 'DPkg::Lock::Timeout=300'];

async function install(packages: readonly string[]): Promise<void> {
  const args = [...lockWait, 'install', '-y', '-q', '--no-install-recommends', ...packages];
  try {
    await runTool('apt-get', args, { env: quiet });
  } catch {
    // The lists of a new machine are empty, those of an old one name files that are gone.
    await runTool('apt-get', [...lockWait, 'update', '-q'], { env: quiet });
    await runTool('apt-get', args, { env: quiet });
  }
}
