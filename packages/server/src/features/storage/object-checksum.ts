import { crc32 } from 'node:zlib';
import type { ObjectStore } from '../../engines/objects/object-store.ts';
import type { SliceObject } from './state/slice.ts';

/** Of bytes that pass: `of` hands them on unchanged, `value` is the CRC-32 of what has passed. */
export class Checksum {
  value = 0;

  async *of(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.value = crc32(chunk, this.value);
      yield chunk;
    }
  }
}

export async function checksumOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let value = 0;
  for await (const chunk of chunks) value = crc32(chunk, value);
  return value;
}

/** Whether the object's bytes are those of its upload; undefined where its record is from before there were checksums. */
export async function isAsUploaded(objects: ObjectStore, { key, crc }: SliceObject): Promise<boolean | undefined> {
  return crc === undefined ? undefined : (await checksumOf(objects.get(key))) === crc;
}
