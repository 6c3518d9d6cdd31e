import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { extensionOf } from '../../src/features/storage/block/block-codec.ts';
import { createCodec } from '../../src/features/storage/block/create-codec.ts';
import { memberFlag } from '../../src/features/storage/block/member-header.ts';
import { walkPart } from '../../src/features/storage/part/part-walk.ts';
import { partNonce } from '../../src/features/storage/part-name.ts';
import type { FileRange } from './order/disk-history.ts';
import { eventPattern } from './proof-service.ts';

const extension = extensionOf('gzip');
const codec = createCodec('gzip');
type Step = Awaited<ReturnType<ReturnType<typeof walkPart>['next']>>['value'];

/** For every `<source>/<sink>` and event the blocks of local parts that hold a row of it. */
export type RowPlaces = ReadonlyMap<string, ReadonlyMap<number, readonly FileRange[]>>;

export const volumeIn = (dataDir: string): string => join(dataDir, 'volumes', 'default', '001');

/** Reads and inflates every part of a data folder's volume, or of `kept`, where its parts have further names. */
export async function findRows(dataDir: string, kept?: string): Promise<RowPlaces> {
  const volume = kept ?? volumeIn(dataDir);
  const entries = await readdir(volume, { recursive: true, withFileTypes: true });
  const places = new Map<string, Map<number, FileRange[]>>();
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(extension)) continue;
    const path = join(entry.parentPath, entry.name);
    // Below the volume: project, branch, source, sink, slice.
    const [, , source, sink] = entry.parentPath.slice(volume.length + 1).split(sep);
    const ofSink = places.get(`${source}/${sink}`) ?? new Map<number, FileRange[]>();
    places.set(`${source}/${sink}`, ofSink);
    for await (const { range, events } of blocksOf(path)) {
      const inService = { ...range, path: join(volumeIn(dataDir), relative(volume, path)) };
      for (const event of events) ofSink.set(event, [...(ofSink.get(event) ?? []), inService]);
    }
  }
  return places;
}

async function* blocksOf(path: string): AsyncGenerator<{ range: FileRange; events: number[] }> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  let from: number | undefined;
  let events: number[] = [];
  for await (const step of walkPart(file, { nonce: partNonce(basename(path, extension)), limit: size })) {
    if (step.type !== 'good') {
      // Only behind the sealed length of a part whose write failed; never within a block.
      from = undefined;
      events = [];
      continue;
    }
    from ??= step.offset;
    events.push(...(await eventsIn(file, step)));
    if ((step.header.flags & memberFlag.end) === 0) continue;
    yield { range: { path, offset: from, length: step.offset + step.header.memberLength - from }, events };
    from = undefined;
    events = [];
  }
}

async function eventsIn(file: FileHandle, { offset, header, headerLength }: Extract<Step, { type: 'good' }>): Promise<number[]> {
  const payload = Buffer.alloc(header.memberLength - headerLength);
  await file.read(payload, 0, payload.length, offset + headerLength);
  return [...codec.decompress(payload).toString('latin1').matchAll(eventPattern)].map(([, event]) => Number(event));
}
