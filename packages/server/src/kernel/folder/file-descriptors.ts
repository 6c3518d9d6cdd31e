import { readFile } from 'node:fs/promises';
import type { Logger } from '../observe/logger.ts';

/** Under this many, a few thousand connections use the process up. */
const enough = 4096;

/** Warns where the process may open too few files and connections. Silent where the system does not tell. */
export async function warnOfFewFileDescriptors(logger: Logger, limitsFile = '/proc/self/limits'): Promise<void> {
  const limits = await readFile(limitsFile, 'utf8').catch(() => '');
  const limit = /^Max open files\s+(?<soft>\d+)/m.exec(limits)?.groups?.['soft'];
  if (limit === undefined || Number(limit) >= enough) return;
  logger.warn(
    { limit: Number(limit), wanted: enough },
    'too few file descriptors: raise them by ulimit -n, LimitNOFILE= of systemd, or --ulimit nofile of the container',
  );
}
