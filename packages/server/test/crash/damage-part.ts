import { open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { memberFlag } from '../../src/features/storage/block/member-header.ts';
import { walkPart } from '../../src/features/storage/part/part-walk.ts';
import { partNonce } from '../../src/features/storage/part-name.ts';
import type { CrashFolder } from './crash-folder.ts';
import type { Damage } from './round-plan.ts';

const extension = /\.csv\.(?:gz|zst)$/;
const zerosLength = 64;
/** The text between the first comma and the next: the id in rows of both tables. No other value has a line break. */
const idOfRow = /^[^,\n]*,"e(\d+)"/gm;

interface Member {
  readonly from: number;
  readonly to: number;
  readonly endsBlock: boolean;
  readonly events: readonly number[];
}

/**
 * Destroys bytes of one local part that is not uploaded yet, while no process holds the folder, and notes in the book
 * the events that this may cost: those of the members that are hit. False where there is no such part.
 */
export async function damageOnePart({ dataDir, book }: CrashFolder, { kind, part, place }: Damage): Promise<boolean> {
  const parts = await localParts(join(dataDir, 'volumes'));
  const path = parts[Math.floor(part * parts.length)];
  if (path === undefined) return false;
  const members = await membersOf(path);
  const content = await readFile(path);
  const from = Math.floor(place * content.length);
  const to = { bit: from + 1, zeros: Math.min(from + zerosLength, content.length), cut: content.length }[kind];
  if (kind === 'cut') await truncate(path, from);
  else {
    for (let at = from; at < to; at += 1) content[at] = kind === 'bit' ? (content[at] ?? 0) ^ (1 << (at % 8)) : 0;
    await writeFile(path, content, { flag: 'r+' });
  }
  const table = basename(dirname(dirname(path)));
  const { members: lost, lastBlock } = hit(members, { from, to });
  // Only a header says how many rows there were: a cut takes it away, and none follows the last block.
  book.spoil(table, { events: lost.flatMap(({ events }) => events), traceless: kind === 'cut' || lastBlock });
  return true;
}

/** Members with a byte in the range. Of the last block all: an open part ends with a whole block, and a bad one is cut off. */
function hit(members: readonly Member[], { from, to }: { from: number; to: number }): { members: Member[]; lastBlock: boolean } {
  const lastBlockAt = members.findLastIndex(({ endsBlock }, index) => endsBlock && index < members.length - 1) + 1;
  const isHit = (member: Member): boolean => member.from < to && member.to > from;
  const lastIsHit = members.slice(lastBlockAt).some(isHit);
  return { members: members.filter((member, index) => isHit(member) || (lastIsHit && index >= lastBlockAt)), lastBlock: lastIsHit };
}

async function membersOf(path: string): Promise<Member[]> {
  await using file = await open(path, 'r');
  const content = await readFile(path);
  const members: Member[] = [];
  for await (const step of walkPart(file, { nonce: partNonce(basename(path).replace(extension, '')), limit: content.length })) {
    if (step.type !== 'good') continue;
    const { offset, header } = step;
    const to = offset + header.memberLength;
    const unpack = path.endsWith('.zst') ? zstdDecompressSync : gunzipSync;
    const rows = unpack(content.subarray(offset, to)).toString('latin1');
    members.push({
      from: offset,
      to,
      endsBlock: (header.flags & memberFlag.end) !== 0,
      events: [...rows.matchAll(idOfRow)].map(([, id]) => Number(id)),
    });
  }
  return members;
}

/** Parts with bytes. One with a second name is uploaded by that name: what happens to it then is the object store's matter. */
async function localParts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(({ name }) => extension.test(name)).map(({ parentPath, name }) => join(parentPath, name));
  const stats = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, index) => stats[index]?.nlink === 1 && stats[index].size > 0).sort();
}
