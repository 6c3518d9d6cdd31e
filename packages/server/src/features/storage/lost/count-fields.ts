import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockCodec } from '../block/block-codec.ts';
import { entriesIn } from '../fsck/volume-tree.ts';
import { walkPart } from '../part/part-walk.ts';
import { partNonce } from '../part-name.ts';

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;

/** Fields of the first row that can be read in the parts of a folder; undefined where there is none. */
export async function countFields(folder: string, codec: BlockCodec): Promise<number | undefined> {
  for (const { name } of await entriesIn(folder)) {
    if (!name.endsWith(codec.extension)) continue;
    await using file = await open(join(folder, name), 'r');
    const { size } = await file.stat();
    for await (const step of walkPart(file, { nonce: partNonce(name.slice(0, -codec.extension.length)), limit: size })) {
      if (step.type !== 'good' || step.header.rows === 0) continue;
      const payload = Buffer.alloc(step.header.memberLength - step.headerLength);
      await file.read(payload, 0, payload.length, step.offset + step.headerLength);
      return fieldsOf(codec.decompress(payload));
    }
  }
  return undefined;
}

/** Of the first row: a separator or row end counts outside quotes only, and a doubled quote leaves and enters them again. */
function fieldsOf(rows: Buffer): number {
  let fields = 1;
  let isQuoted = false;
  for (const byte of rows) {
    if (byte === quote) isQuoted = !isQuoted;
    else if (!isQuoted && byte === comma) fields += 1;
    else if (!isQuoted && byte === lineFeed) break;
  }
  return fields;
}
