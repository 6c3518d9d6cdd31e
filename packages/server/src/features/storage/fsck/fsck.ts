import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { extensionOf } from '../block/block-codec.ts';
import type { Finding, FsckStretch } from '../fsck-report.ts';
import { isFinished } from '../state/file.ts';
import type { Slice } from '../state/slice.ts';
import { sliceFolder, sliceKeyText } from '../state/storage-keys.ts';
import type { StorageView } from '../storage-view.ts';
import { lostAndFoundName, type Volume } from '../volume.ts';
import type { LocalSliceWriter } from '../writer/local-slice-writer.ts';
import { checkSlice, type SliceCheck } from './check-slice.ts';
import { readVolumeTree } from './volume-tree.ts';

interface FsckOptions {
  readonly view: StorageView;
  readonly volumes: readonly Volume[];
  readonly clock: Clock;
  /** The writer of this process, where one runs. */
  readonly writer: () => LocalSliceWriter | undefined;
}

interface StretchQuery {
  /** Id of the one volume to check; all of them without it. */
  readonly volume?: string | undefined;
  /** Cursor of the stretch before. */
  readonly after?: string | undefined;
  readonly repair: boolean;
  /** A service holds the folder: parts may grow, seal and go while they are read. */
  readonly isLive: boolean;
}

/** How long one stretch of a check takes: the caller hears of its progress, and the service answers others between. */
const stretchMs = 1000;
const maxAttempts = 3;

interface Item {
  readonly cursor: string;
  readonly volume: Volume;
  readonly folder: string;
  /** Undefined where metadata does not know the folder. */
  readonly key: string | undefined;
}

/** Checks volumes against metadata, every byte of every part, a stretch at a time. Nothing is changed but by `repair`. */
export class Fsck {
  readonly #options: FsckOptions;

  constructor(options: FsckOptions) {
    this.#options = options;
  }

  async stretch({ volume: id, after, repair, isLive }: StretchQuery): Promise<FsckStretch> {
    const { clock } = this.#options;
    if (repair && isLive) {
      throw new AppError('folderInUse', 'A service holds the folder, and repairs it when it starts: stop it to repair by hand.');
    }
    const volumes = this.#options.volumes.filter((volume) => id === undefined || volume.id === id);
    if (volumes.length === 0) throw new AppError('folderUnusable', `No volume of the data folder has the id ${id}.`);
    const findings: Finding[] = after === undefined && id === undefined ? this.#missingVolumes() : [];
    const items: Item[] = [];
    for (const volume of volumes) {
      const { strays, found } = await this.#itemsOf(volume);
      if (after === undefined) findings.push(...strays);
      items.push(...found);
    }
    const due = after === undefined ? items : items.filter(({ cursor }) => cursor > after);
    const sum = { slices: 0, parts: 0, bytes: 0, openSlices: 0 };
    const until = clock.monotonic() + stretchMs;
    let last: Item | undefined;
    for (const item of due) {
      if (last && clock.monotonic() > until) break;
      const check = await this.#check(item, { repair, isLive });
      findings.push(...check.findings);
      sum.slices += 1;
      sum.parts += check.parts;
      sum.bytes += check.bytes;
      if (check.isOpen) sum.openSlices += 1;
      last = item;
    }
    const done = items.length - due.length + sum.slices;
    return { findings, ...sum, progress: { done, total: items.length }, ...(done < items.length && last && { next: last.cursor }) };
  }

  #missingVolumes(): Finding[] {
    const known = new Set(this.#options.volumes.map((volume) => volume.id));
    const missing = new Set<string>();
    for (const slice of this.#options.view.slices()) {
      if (!known.has(slice.volumeId) && !('localRemovedAt' in slice && slice.localRemovedAt !== undefined)) missing.add(slice.volumeId);
    }
    return [...missing].map((volume) => ({ type: 'missingVolume', volume, path: '' }));
  }

  async #itemsOf(volume: Volume): Promise<{ strays: Finding[]; found: Item[] }> {
    const tree = await readVolumeTree(volume.path);
    const lost = await readVolumeTree(`${volume.path}/${lostAndFoundName}`);
    const keys = new Map<string, string | undefined>(tree.sliceFolders.map((folder) => [folder, undefined]));
    for (const slice of this.#options.view.slices()) {
      if (slice.volumeId === volume.id) keys.set(sliceFolder(slice), sliceKeyText(slice));
    }
    const strays: Finding[] = [
      ...tree.strayFiles.map((path) => ({ type: 'unknownFile' as const, volume: volume.id, path })),
      ...lost.sliceFolders.map((path) => ({ type: 'lostFolder' as const, volume: volume.id, path: `${lostAndFoundName}/${path}` })),
    ];
    const found = [...keys].map(([folder, key]) => ({ cursor: `${volume.id}/${folder}`, volume, folder, key }));
    return { strays, found: found.sort((one, other) => (one.cursor < other.cursor ? -1 : 1)) };
  }

  async #check(
    { volume, folder, key }: Item,
    { repair, isLive }: { repair: boolean; isLive: boolean },
  ): Promise<SliceCheck & { isOpen: boolean }> {
    const { view, writer } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const slice = key === undefined ? undefined : view.slice(key);
      if (!slice || !key) return { ...unknownFolder(volume, folder), isOpen: false };
      const durable = isUnsealed(slice) ? await writer()?.durableParts(key) : undefined;
      const finished = isFinished(view.file(slice.file));
      const check = await checkSlice({ slice, volume, extension: extensionOf(slice.codec), isFinished: finished, durable, isLive, repair });
      // The slice went on while it was read: what seemed wrong is looked at as it is now.
      const hasMoved = view.slice(key) !== slice || isFinished(view.file(slice.file)) !== finished;
      if (!hasMoved || attempt === maxAttempts) return { ...pick(check), isOpen: isLive && isUnsealed(slice) };
    }
  }
}

const isUnsealed = (slice: Slice): boolean => slice.state === 'writing' || slice.state === 'closing';

const pick = ({ findings, parts, bytes }: SliceCheck): SliceCheck => ({ findings, parts, bytes });

/** Where it is gone too, its cleanup ended while the check ran. */
const unknownFolder = (volume: Volume, path: string): SliceCheck => ({
  findings: existsSync(join(volume.path, path)) ? [{ type: 'unknownFolder', volume: volume.id, path }] : [],
  parts: 0,
  bytes: 0,
});
