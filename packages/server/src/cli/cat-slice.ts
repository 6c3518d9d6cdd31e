import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { z } from 'zod';
import type { Ask, FolderOptions } from './folder-command.ts';

interface CatTools {
  readonly ask: Ask;
  readonly out: Writable;
  readonly err: (text: string) => void;
}

const partsSchema = z.array(z.object({ path: z.string(), length: z.int() }));

/** Writes the rows of a slice's local parts as CSV, part after part. */
export async function catSlice(
  { ask, out, err }: CatTools,
  { slice, dataDir, json }: FolderOptions & { readonly slice: string },
): Promise<void> {
  const parts = partsSchema.parse(await ask({ dataDir, command: 'slice', input: { slice } }));
  if (json === true) {
    out.write(`${JSON.stringify(parts)}\n`);
    return;
  }
  for (const { path, length } of parts) {
    if (length === 0) continue;
    err(`${path}\n`);
    const unpack = path.endsWith('.zst') ? createZstdDecompress() : createGunzip();
    await pipeline(createReadStream(path, { end: length - 1 }), unpack, out, { end: false });
  }
}
