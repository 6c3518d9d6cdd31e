import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { AppendRequest, AppendResult } from '../slice-writer.ts';

/**
 * Judges a repeated append against a part that takes nothing more: `durable` where the block is in it, `conflict` where
 * other bytes are; undefined where the block lies behind the part's length, so that it is surely not stored.
 */
export async function isStored(
  path: string,
  length: number,
  { offset, block }: Pick<AppendRequest, 'offset' | 'block'>,
): Promise<AppendResult | undefined> {
  if (offset >= length) return undefined;
  if (offset + block.length > length) return { type: 'conflict' };
  await using file = await open(path, 'r');
  const stored = Buffer.allocUnsafe(block.length);
  const { bytesRead } = await file.read(stored, 0, block.length, offset);
  return bytesRead === block.length && crc32(stored) === block.checksum ? { type: 'durable', watermark: length } : { type: 'conflict' };
}
