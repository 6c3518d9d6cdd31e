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
 * Destroys bytes of one local part, and so of a staged object that is linked to it, while no process holds the folder, and notes in the book
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
  const { members: lost, lastBlock } = hit(members, { from, to, kind });
  // Only a header says how many rows there were: a cut takes it away, and none follows the last block.
  book.spoil(table, { events: lost.flatMap(({ events }) => events), traceless: kind === 'cut' || lastBlock });
  return true;
}

interface HitRange {
  readonly from: number;
  readonly to: number;
  readonly kind: Damage['kind'];
}

/** Members with a byte in the range. Where a block ends early or in zeros, also those before in it: that is what a torn write looks like. */
function hit(members: readonly Member[], { from, to, kind }: HitRange): { members: Member[]; lastBlock: boolean } {
  const isHit = (member: Member): boolean => member.from < to && member.to > from;
  const tornAt = kind === 'bit' ? -1 : members.findIndex(isHit);
  const tornFrom = members.findLastIndex(({ endsBlock }, index) => endsBlock && index < tornAt) + 1;
  const lastBlockAt = members.findLastIndex(({ endsBlock }, index) => endsBlock && index < members.length - 1) + 1;
  return {
    members: members.filter((member, index) => isHit(member) || (index >= tornFrom && index < tornAt)),
    lastBlock: members.slice(lastBlockAt).some(isHit),
  };
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

/** Parts with bytes, also those that share them with a staged object. */
async function localParts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(({ name }) => extension.test(name)).map(({ parentPath, name }) => join(parentPath, name));
  const stats = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, index) => (stats[index]?.size ?? 0) > 0).sort();
}
