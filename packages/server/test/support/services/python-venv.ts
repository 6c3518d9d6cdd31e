import { join } from 'node:path';
import { debianProgram } from './debian-program.ts';
import { cachedFolder } from './install-cache.ts';
import { runTool } from './run-tool.ts';

/** The interpreter of a virtual environment with exactly these requirements (`name==version`). */
export async function pythonWith(name: string, requirements: readonly string[]): Promise<string> {
  const folder = await cachedFolder(name, async (fresh) => {
    const python = await debianProgram({ program: 'python3', packages: ['python3', 'python3-venv'] });
    const install = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...requirements];
    try {
      await runTool(python, ['-m', 'venv', fresh]);
      await runTool(join(fresh, 'bin/python'), install);
    } catch (error) {
      const what = `The Python packages ${requirements.join(', ')} could not be installed from PyPI`;
      throw new Error(`${what} (Debian needs python3-venv): ${String(error)}`, { cause: error });
    }
  });
  return join(folder, 'bin/python');
}
