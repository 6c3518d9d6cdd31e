import { gunzipSync } from 'node:zlib';
import { Compressor } from '../../src/features/storage/block/compressor.ts';
import { createCodec } from '../../src/features/storage/block/create-codec.ts';
import { decodeMemberHeader, type MemberHeader, memberFlag } from '../../src/features/storage/block/member-header.ts';
import { PartEncoder } from '../../src/features/storage/part-encoder.ts';
import { partNonce } from '../../src/features/storage/part-name.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { rowOf } from '../support/storage-room.ts';

export interface PartMember {
  readonly offset: number;
  readonly end: number;
  readonly header: MemberHeader;
  /** Index of the first member of its block. */
  readonly blockFrom: number;
  readonly endsBlock: boolean;
  /** Its rows as they were given to the encoder. */
  readonly raw: Buffer;
}

export interface MixedPart {
  readonly name: string;
  readonly nonce: Buffer;
  readonly bytes: Buffer;
  readonly members: readonly PartMember[];
  readonly rows: number;
}

type Values = readonly (string | Buffer)[];

const rounds = 28;
const longText = 'a row that is longer than others, and compresses well; '.repeat(1200);

/**
 * A part as the product encodes it: members of some bytes up to more than 100 kB, blocks of one to four members, rows that cannot be
 * compressed, rows that are no UTF-8. The last block has several members.
 */
export async function buildMixedPart(random: SeededRandom): Promise<MixedPart> {
  const name = 'node-00112233445566ff-1';
  await using compressor = new Compressor();
  const encoder = new PartEncoder(name, { codec: createCodec('gzip'), compressor });
  const buffers: Buffer[] = [];
  for (const values of mixedBlocks(random)) buffers.push(...(await encoder.encode(values.map(rowOf))).buffers);
  const bytes = Buffer.concat(buffers);
  const members = membersOf(bytes, partNonce(name));
  return { name, nonce: partNonce(name), bytes, members, rows: members.reduce((sum, { header }) => sum + header.rows, 0) };
}

/** The part as it was when the block that the member belongs to was its last. */
export function partUpTo(part: MixedPart, last: PartMember): MixedPart {
  const members = part.members.filter(({ end }) => end <= last.end);
  return { ...part, bytes: part.bytes.subarray(0, last.end), members, rows: last.header.rowsBefore + last.header.rows };
}

function* mixedBlocks(random: SeededRandom): Generator<Values> {
  for (let round = 0; round < rounds; round += 1) {
    yield ['']; // the least that a row can be
    yield [`tiny ${random.next()}`];
    yield Array.from({ length: random.between(2, 30) }, (_, row) => `row ${round}.${row}, "quoted"\n${'x'.repeat(random.between(0, 200))}`);
    yield [randomText(random, random.between(200, 3000)), 'short'];
    yield round % 9 === 4 ? [randomBytes(random, random.between(10, 400)), 'no UTF-8 before'] : [randomText(random, 60)];
    yield longRows(random, random.between(5, 14));
    if (round === 9) yield [randomText(random, 140_000)];
  }
  yield longRows(random, 9);
}

/** About 65 kB each: four of them make a member. */
const longRows = (random: SeededRandom, rows: number): Values => Array.from({ length: rows }, () => `${random.next()} ${longText}`);

/** As incompressible as text gets. */
const randomText = (random: SeededRandom, length: number): string => randomBytes(random, length).toString('base64').slice(0, length);

const randomBytes = (random: SeededRandom, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  // Quotes are doubled before a row is encoded: here there are none.
  for (let at = 0; at < length; at += 1) bytes[at] = random.between(0x80, 0xff);
  return bytes;
};

function membersOf(bytes: Buffer, nonce: Buffer): PartMember[] {
  const members: PartMember[] = [];
  let blockFrom = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const header = decodeMemberHeader(bytes.subarray(offset), nonce)?.header;
    if (!header) throw new Error(`no member at ${offset}`);
    const end = offset + header.memberLength;
    const endsBlock = (header.flags & memberFlag.end) !== 0;
    members.push({ offset, end, header, blockFrom, endsBlock, raw: gunzipSync(bytes.subarray(offset, end)) });
    if (endsBlock) blockFrom = members.length;
    offset = end;
  }
  return members;
}
