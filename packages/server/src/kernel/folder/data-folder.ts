import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { randomId } from '../codec/random-id.ts';
import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../observe/logger.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { makeDirectoryDurable, writeFileDurably } from './durable-file.ts';
import { warnOfFewFileDescriptors } from './file-descriptors.ts';
import { folderUnusable } from './folder-error.ts';
import { ensureFormat, readIfThere } from './folder-format.ts';
import { lockFolder } from './folder-lock.ts';

/** A data folder that this process holds. Disposing it gives it free. */
export interface DataFolder extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  /** Letters and digits; the same at every start. */
  readonly nodeId: string;
  /** 32 random bytes that never leave the folder: secrets are hashed and sealed under them. */
  readonly secretKey: Uint8Array;
}

interface OpenOptions {
  readonly path: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

const keyBytes = 32;

/**
 * Creates the folder where it is missing (mode 0700), takes its lock and checks its format.
 * `folderInUse` where another process holds it; `folderUnusable` where the system or the format forbids its use.
 */
export async function openDataFolder({ path, logger, clock = systemClock }: OpenOptions): Promise<DataFolder> {
  const folder = resolve(path);
  await using opening = new AsyncDisposableStack();
  try {
    const created = await makeFolder(folder);
    if (created !== undefined) await makeDirectoryDurable(folder, dirname(created));
    opening.use(await lockFolder(folder, clock));
    await ensureFormat(folder);
    const nodeId = await readOrCreate(join(folder, 'node-id'), /^[0-9a-zA-Z]{12}$/, () => randomId(12));
    const key = await readOrCreate(join(folder, 'secret-key'), /^[0-9a-f]{64}$/, () => randomBytes(keyBytes).toString('hex'));
    await warnOfFewFileDescriptors(logger);
    const held = opening.move();
    return { path: folder, nodeId, secretKey: Buffer.from(key, 'hex'), [Symbol.asyncDispose]: () => held.disposeAsync() };
  } catch (error) {
    throw folderUnusable(folder, error);
  }
}

/**
 * As a recursive `mkdir`, which never ends where a folder exists but nothing can be made in it (ENOENT, below /proc).
 * Resolves to the first folder that was made.
 */
async function makeFolder(folder: string): Promise<string | undefined> {
  const parent = dirname(folder);
  const made = existsSync(parent) ? undefined : await makeFolder(parent);
  try {
    await mkdir(folder, { mode: 0o700 });
    return made ?? folder;
  } catch (error) {
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return made;
    throw error;
  }
}

/** A file that is made once, durably, and never changed: another content would orphan what was made with it. */
async function readOrCreate(path: string, form: RegExp, create: () => string): Promise<string> {
  const text = (await readIfThere(path))?.trimEnd();
  if (text === undefined) {
    const created = create();
    await writeFileDurably(path, `${created}\n`);
    return created;
  }
  if (form.test(text)) return text;
  throw new AppError(
    'folderUnusable',
    `The file ${path} is damaged; restore it from a copy. Without it, what was made with it cannot be read.`,
  );
}
