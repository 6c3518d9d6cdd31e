import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openingOfSlice } from '../../src/features/storage/coordinator/new-file.ts';
import type { Finding } from '../../src/features/storage/fsck-report.ts';
import { type RecoveredPart, recoverPart } from '../../src/features/storage/part/recover-part.ts';
import { type Slice, transitionSlice } from '../../src/features/storage/state/slice.ts';
import { sliceFolder, sliceKeyText } from '../../src/features/storage/state/storage-keys.ts';
import { MemoryMetadataStore } from '../support/memory-metadata-store.ts';
import { openStorageRoom, type RunningStorage, type StorageRoom, startStorage, testSinkKey } from '../support/storage-room.ts';
import type { MixedPart } from './mixed-part.ts';

const extension = '.csv.gz';

/** What a damaged part has become behind its way to the object store. */
export interface DamagedOutcome {
  readonly slice: Slice & { readonly state: 'uploaded' };
  /** Undefined where nothing was left. */
  readonly object: Buffer | undefined;
  /** Of a recovery before the writer's own; undefined of a sealed part. */
  readonly recovered: RecoveredPart | undefined;
  readonly findingsBefore: readonly Finding[];
  readonly findingsAfter: readonly Finding[];
  /** Of the part in its volume. */
  readonly path: string;
}

/** What sealing said of a part before it was damaged. */
export type SealedAs = Pick<Slice & { readonly state: 'uploading' }, 'parts' | 'figures'>;

interface DamagedPart {
  readonly part: MixedPart;
  readonly content: Buffer;
  readonly sealedAs: SealedAs | undefined;
}

/**
 * Takes parts through the product: as a process left them, each in a slice of its own, they are checked, recovered or taken as
 * sealed, and uploaded by another process.
 */
export class DamagedVolume implements AsyncDisposable {
  readonly #room: StorageRoom;
  #slices = 0;

  private constructor(room: StorageRoom) {
    this.#room = room;
  }

  static async open(): Promise<DamagedVolume> {
    return new DamagedVolume(await openStorageRoom());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#room[Symbol.asyncDispose]();
  }

  /** Parts with `sealedAs` are sealed; the others are left as by a killed process. */
  async take(parts: readonly DamagedPart[]): Promise<DamagedOutcome[]> {
    await using metadata = new MemoryMetadataStore();
    const engines = { ...this.#room, metadata, volumes: [this.#room.volume] };
    const slices: Slice[] = [];
    let findingsBefore: readonly Finding[];
    {
      await using checking = await startStorage(engines, [], {});
      for (const { part, content, sealedAs } of parts) {
        const slice = this.#newSlice(checking, sealedAs);
        slices.push(slice);
        await this.#write(slice, part, content);
        const { committed } = await metadata.transact(openingOfSlice(slice));
        if (!committed) throw new Error('the slice is there already');
      }
      await checking.until(() => slices.every((slice) => checking.view.slice(sliceKeyText(slice)) !== undefined));
      findingsBefore = await findingsOf(checking);
    }
    const recovered = await Promise.all(
      parts.map(({ part, sealedAs }, index) => (sealedAs ? undefined : recoverPart(this.#pathOf(slices[index], part), part.nonce))),
    );
    await using working = await startStorage(engines, ['writer', 'uploader'], {});
    const uploaded = (slice: Slice) => {
      const now = working.view.slice(sliceKeyText(slice));
      return now?.state === 'uploaded' ? now : undefined;
    };
    await working.until(() => slices.every((slice) => uploaded(slice)));
    const findingsAfter = await findingsOf(working);
    const outcomes: DamagedOutcome[] = [];
    for (const [index, slice] of slices.entries()) {
      const now = uploaded(slice);
      const part = parts[index]?.part;
      if (!now || !part) throw new Error('a slice vanished');
      const folder = sliceFolder(slice);
      const ofSlice = ({ path }: Finding) => dirname(path) === folder;
      const object = now.object && Buffer.concat(await Array.fromAsync(this.#room.objects.get(now.object.key)));
      if (now.object) await this.#room.objects.delete(now.object.key);
      outcomes.push({
        slice: now,
        object,
        recovered: recovered[index],
        findingsBefore: findingsBefore.filter(ofSlice),
        findingsAfter: findingsAfter.filter(ofSlice),
        path: `${folder}/${part.name}${extension}`,
      });
    }
    await this.#clear();
    return outcomes;
  }

  #newSlice({ view }: RunningStorage, sealedAs: SealedAs | undefined): Slice {
    const writing = view.writingSlice(testSinkKey)?.slice;
    if (!writing) throw new Error('the sink has no slice');
    this.#slices += 1;
    const openedAt = new Date(Date.UTC(2026, 0, 1) + this.#slices).toISOString();
    const closing = transitionSlice({ ...writing, openedAt }, { type: 'close', at: openedAt });
    const slice = closing && sealedAs ? transitionSlice(closing, { type: 'seal', at: openedAt, ...sealedAs }) : closing;
    if (!slice) throw new Error('the slice cannot be closed');
    return slice;
  }

  async #write(slice: Slice | undefined, part: MixedPart, content: Buffer): Promise<void> {
    const path = this.#pathOf(slice, part);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  #pathOf(slice: Slice | undefined, part: MixedPart): string {
    if (!slice) throw new Error('more parts than slices');
    return join(this.#room.volume.path, sliceFolder(slice), part.name + extension);
  }

  async #clear(): Promise<void> {
    const { path } = this.#room.volume;
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await rm(join(path, entry.name), { recursive: true });
    }
  }
}

async function findingsOf({ storage }: RunningStorage): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const stretch = await storage.fsck.stretch({ after, repair: false, isLive: false });
    findings.push(...stretch.findings);
    after = stretch.next;
    more = after !== undefined;
  }
  return findings;
}
