import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodecName, codecNames, extensionOf } from '../block/block-codec.ts';
import { createCodec } from '../block/create-codec.ts';
import { entriesIn } from '../fsck/volume-tree.ts';
import { walkPart } from '../part/part-walk.ts';
import { partNonce } from '../part-name.ts';

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;

interface FoundParts {
  /** One with which all parts can be read. */
  readonly codec: CodecName;
  /** Of the first row that can be read; undefined where there is none. */
  readonly fields: number | undefined;
}

/** What the parts of a folder are, as far as they tell themselves. Undefined where they are not those of one slice. */
export async function findParts(folder: string): Promise<FoundParts | undefined> {
  const names = (await entriesIn(folder)).map(({ name }) => name);
  const codecOf = (name: string) => codecNames.find((codec) => name.endsWith(extensionOf(codec)));
  const [codec = 'gzip', ...others] = new Set(names.flatMap((name) => codecOf(name) ?? []));
  if (others.length > 0) return undefined;
  for (const name of names)
    if (codecOf(name)) {
      const fields = await fieldsOfPart(join(folder, name), { codec, nonce: partNonce(name.slice(0, -extensionOf(codec).length)) });
      if (fields !== undefined) return { codec, fields };
    }
  return { codec, fields: undefined };
}

async function fieldsOfPart(path: string, { codec, nonce }: { codec: CodecName; nonce: Buffer }): Promise<number | undefined> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  for await (const step of walkPart(file, { nonce, limit: size })) {
    if (step.type !== 'good' || step.header.rows === 0) continue;
    const payload = Buffer.alloc(step.header.memberLength - step.headerLength);
    await file.read(payload, 0, payload.length, step.offset + step.headerLength);
    return fieldsOf(createCodec(codec).decompress(payload));
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
