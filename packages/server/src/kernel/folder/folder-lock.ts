import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { utcTime } from '../codec/utc-time.ts';
import { AppError } from '../errors/app-error.ts';
import type { Clock } from '../time/clock.ts';
import { writeFileDurably } from './durable-file.ts';
import { folderUnusable } from './folder-error.ts';

/** Who holds the folder, for the message to a second process. */
const ownerSchema = z.object({ pid: z.int(), startedAt: z.string() });

const sqliteBusy = 5;

/**
 * The exclusive right to a folder; `folderInUse` where another process has it.
 *
 * It is an exclusive transaction on a small SQLite file, held until disposal. The system drops the lock behind it with the
 * process, however that ends, so a lock is never left behind. Nothing else may open `lock.sqlite`: closing any other
 * descriptor of the file would drop the lock too.
 */
export async function lockFolder(folder: string, clock: Clock): Promise<AsyncDisposable> {
  const database = holdTransaction(join(folder, 'lock.sqlite'));
  if (database === 'busy') throw new AppError('folderInUse', await inUseMessage(folder));
  const ownerFile = join(folder, 'owner.json');
  const owner: z.infer<typeof ownerSchema> = { pid: process.pid, startedAt: utcTime(clock.now()) };
  try {
    await writeFileDurably(ownerFile, `${JSON.stringify(owner)}\n`);
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await rm(ownerFile, { force: true });
      if (database.isOpen) database.close();
    },
  };

  function holdTransaction(path: string): DatabaseSync | 'busy' {
    let opened: DatabaseSync | undefined;
    try {
      opened = new DatabaseSync(path, { timeout: 0 });
      opened.exec('BEGIN EXCLUSIVE');
      return opened;
    } catch (error) {
      opened?.close();
      if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return 'busy';
      throw folderUnusable(folder, error);
    }
  }
}

async function inUseMessage(folder: string): Promise<string> {
  const owner = await readOwner(folder);
  const holder = owner ? `process ${owner.pid}, started ${owner.startedAt},` : 'another process';
  return `The data folder ${folder} is in use: ${holder} holds it. Stop that one, choose another folder by --data-dir, or run several processes on etcd.`;
}

async function readOwner(folder: string): Promise<z.infer<typeof ownerSchema> | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(join(folder, 'owner.json'), 'utf8')));
  } catch {
    return undefined;
  }
}
