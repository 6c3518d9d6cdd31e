import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { randomId } from '../../kernel/codec/random-id.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { makeDirectoryDurable, writeFileDurably } from '../../kernel/folder/durable-file.ts';
import { lostAndFoundName, type Volume, volumeIdName } from './volume.ts';

const defaultVolume = { type: 'default', label: '001' };
const idLength = 10;

/** The volumes below a folder: every `<type>/<label>`. Where there is none, one is made. An id that occurs twice is `folderUnusable`. */
export async function openVolumes(folder: string): Promise<Volume[]> {
  await makeDirectoryDurable(folder, dirname(resolve(folder)));
  const found = await volumesIn(folder);
  if (found.length === 0) {
    await makeDirectoryDurable(join(folder, defaultVolume.type, defaultVolume.label), folder);
    found.push(defaultVolume);
  }
  const volumes = await Promise.all(found.map(async ({ type, label }) => openVolume(join(folder, type, label), { type, label })));
  const ids = new Set(volumes.map((volume) => volume.id));
  if (ids.size < volumes.length)
    throw new AppError('folderUnusable', `Two volumes below ${folder} have the same volume-id: remove the copy.`);
  return volumes;
}

async function openVolume(path: string, { type, label }: { type: string; label: string }): Promise<Volume> {
  const idFile = join(path, volumeIdName);
  const known = await readFile(idFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const id = known?.trim() ?? randomId(idLength);
  if (!/^[0-9a-zA-Z]{10}$/.test(id)) throw new AppError('folderUnusable', `${idFile} must hold 10 letters and digits.`);
  if (known === undefined) await writeFileDurably(idFile, `${id}\n`, { mode: 0o640 });
  return { id, type: type.toLowerCase(), label, path };
}

async function volumesIn(folder: string): Promise<{ type: string; label: string }[]> {
  const types = await foldersIn(folder);
  const labels = await Promise.all(types.map(async (type) => (await foldersIn(join(folder, type))).map((label) => ({ type, label }))));
  return labels.flat();
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== lostAndFoundName)
    .map((entry) => entry.name)
    .sort();
}
