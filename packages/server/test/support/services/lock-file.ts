import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const sqliteBusy = 5;

/**
 * Runs the work while nobody else does so under the same path, in whatever process. Waits as long as that takes.
 * The lock is an exclusive SQLite transaction: the system drops it with the process, so none is left behind.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = await hold(path);
  try {
    return await work();
  } finally {
    database.close();
  }
}

async function hold(path: string): Promise<DatabaseSync> {
  for (;;) {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database.close();
      if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw error;
    }
    await sleep(50);
  }
}
