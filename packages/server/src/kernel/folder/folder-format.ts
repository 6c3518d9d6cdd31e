import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors/app-error.ts';
import { writeFileDurably } from './durable-file.ts';

/** Layout of the data folder that this release reads and writes. */
const folderFormat = 1;

/** Marks a new folder with the format; `folderUnusable` where the folder has one that this release does not know. */
export async function ensureFormat(folder: string): Promise<void> {
  const path = join(folder, 'format');
  const text = await readIfThere(path);
  if (text === undefined) {
    await writeFileDurably(path, `${folderFormat}\n`);
    return;
  }
  const format = /^\d+\n?$/.test(text) ? Number(text) : undefined;
  if (format === folderFormat) return;
  const reason =
    format !== undefined && format > folderFormat
      ? `it has format ${format}, this release knows formats up to ${folderFormat}; run the newer release that wrote it`
      : `its file "format" holds ${JSON.stringify(text.slice(0, 20))}, which no release writes; restore the folder from a copy, or choose another one by --data-dir`;
  throw new AppError('folderUnusable', `The data folder ${folder} cannot be used: ${reason}.`);
}

/** The text of a file, or undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
