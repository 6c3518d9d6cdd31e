import { type FileHandle, open, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fsyncDirectory } from '../../../kernel/folder/durable-file.ts';
import { measureOpen, type PartDamage, type PartExtent } from './part-extent.ts';

/**
 * What recovery cut off a part is kept beside it as `<part file>.<offset>-<CRC-32 of the bytes>.torn`. The offset says how far
 * the part reached then; the checksum lets a repeated cut find its own file, and keeps another one from taking its place.
 */
export interface TornTail {
  readonly path: string;
  readonly offset: number;
}

const tailName = /^(.+)\.(\d+)-[0-9a-f]{8}\.torn$/;
const temporaryName = /^(.+)\.torn\.tmp$/;
const chunkBytes = 256 * 1024;

/** The part file beside which a file of this name stands. Undefined where the name is not that of a tail. */
export const partFileOfTail = (name: string): string | undefined => (tailName.exec(name) ?? temporaryName.exec(name))?.[1];

export async function tornTailsOf(partPath: string): Promise<TornTail[]> {
  const folder = dirname(partPath);
  const part = basename(partPath);
  return (await readdir(folder)).flatMap((name) => {
    const [, of, offset] = tailName.exec(name) ?? [];
    return of === part ? { path: join(folder, name), offset: Number(offset) } : [];
  });
}

/** What the tails that were cut off at the end of `kept` lost of acknowledged rows. Offsets as they were in the part. */
export async function lostInTails(tails: readonly TornTail[], kept: PartExtent, nonce: Buffer): Promise<PartDamage[]> {
  const damage: PartDamage[] = [];
  for (const { path, offset } of tails) {
    // What was cut off before bytes that are kept today is told by these.
    if (offset !== kept.length) continue;
    await using file = await open(path, 'r');
    const { lost } = await measureOpen(file, { nonce, limit: (await file.stat()).size, after: kept.position });
    if (lost) damage.push({ ...lost, offset: offset + lost.offset });
  }
  return damage;
}

/** Keeps the bytes from `from` on beside the part, durably, then cuts them off. */
export async function cutTail(file: FileHandle, { path, from, size }: { path: string; from: number; size: number }): Promise<void> {
  const temporary = `${path}.torn.tmp`;
  let checksum = 0;
  {
    await using torn = await open(temporary, 'w', 0o640);
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let offset = from; offset < size; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - offset), offset);
      if (bytesRead === 0) break;
      await torn.writeFile(chunk.subarray(0, bytesRead));
      checksum = crc32(chunk.subarray(0, bytesRead), checksum);
      offset += bytesRead;
    }
    await torn.sync();
  }
  await rename(temporary, `${path}.${from}-${checksum.toString(16).padStart(8, '0')}.torn`);
  await fsyncDirectory(dirname(path));
  await file.truncate(from);
  await file.sync();
}
