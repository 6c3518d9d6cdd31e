import type { MetadataCheck, MetadataWrite } from '../../../engines/metadata/metadata-store.ts';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { definitionPrefix, sinkKeyText } from '../../definitions/keys.ts';
import { type Sink, sinkSchema } from '../../definitions/sink.ts';
import { type FileSettings, transitionFile } from '../state/file.ts';
import { type Slice, transitionSlice } from '../state/slice.ts';
import { fileKeyText, fileMetadataKey, sliceKeyText, sliceMetadataKey } from '../state/storage-keys.ts';
import type { Stored } from '../state/storage-store.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { slicesOfFile } from './file-slices.ts';
import { newFile, newSlice, openingOfFile, openingOfSlice } from './new-file.ts';

interface RotationOptions {
  readonly store: StorageStore;
  readonly settings: FileSettings;
  /** The volume for the next slice of a sink. */
  readonly assignVolume: () => string;
}

/**
 * Rotation: a successor opens in the transaction that closes its predecessor, so a sink never lacks a slice.
 * Every function reads, composes one fenced transaction and says whether it was committed; where it was not, somebody
 * else changed one of the entities and the next look at the state decides anew.
 */
export class Rotation {
  readonly #options: RotationOptions;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** What opens the first file of a new sink, to join the transaction that creates it. */
  opening(sink: Sink): { checks: MetadataCheck[]; writes: MetadataWrite[] } {
    const { store, settings, assignVolume } = this.#options;
    const file = newFile(sink, store.now(), settings);
    return merge(openingOfFile(file), openingOfSlice(newSlice(file, assignVolume(), file.openedAt)));
  }

  /** Closes the slice and opens the next one of the same file and volume. */
  async rotateSlice(sliceKey: string): Promise<boolean> {
    const { store } = this.#options;
    const stored = await store.slice(sliceKey);
    const file = stored && (await store.file(stored.value.file));
    if (stored?.value.state !== 'writing' || file?.value.state !== 'writing') return false;
    const now = after(store.now(), stored.value.openedAt);
    const successor = openingOfSlice(newSlice(file.value, stored.value.volumeId, now));
    const unchanged: MetadataCheck = { key: fileMetadataKey(stored.value.file), modRevision: file.modRevision };
    return this.#commit(closingOfSlice(stored, now), successor, { checks: [unchanged], writes: [] });
  }

  /** Closes the file with its open slices and opens the next file, unless the sink is gone or disabled. */
  async rotateFile(fileKey: string): Promise<boolean> {
    const { store, settings, assignVolume } = this.#options;
    const stored = await store.file(fileKey);
    if (stored?.value.state !== 'writing') return false;
    const slices = await slicesOfFile(store, fileKey);
    const now = after(store.now(), ...slices.map(({ value }) => value.openedAt), stored.value.openedAt);
    const closed = transitionFile(stored.value, { type: 'close', at: now });
    const parts = slices.filter(({ value }) => value.state === 'writing').map((slice) => closingOfSlice(slice, now));
    const sink = await this.#sink(sinkKeyText(stored.value.sink));
    if (sink.value && !sink.value.disabled) {
      const file = newFile(sink.value, now, settings);
      parts.push(openingOfFile(file), openingOfSlice(newSlice(file, assignVolume(), now)));
    }
    return this.#commit(...parts, {
      checks: [
        { key: fileMetadataKey(fileKey), modRevision: stored.modRevision },
        { key: sink.key, modRevision: sink.modRevision },
      ],
      writes: [{ type: 'put', key: fileMetadataKey(fileKeyText(stored.value)), value: JSON.stringify(closed) }],
    });
  }

  async #sink(sinkKey: string): Promise<{ key: string; modRevision: number; value: Sink | undefined }> {
    const key = definitionPrefix.activeSink + sinkKey;
    const entry = await this.#options.store.metadata.get(key);
    const value = entry && decodeJson(entry.value, { schema: sinkSchema, what: key, code: 'invariantBroken' });
    return { key, modRevision: entry?.modRevision ?? 0, value };
  }

  async #commit(...parts: { checks: MetadataCheck[]; writes: MetadataWrite[] }[]): Promise<boolean> {
    return (await this.#options.store.metadata.transact(merge(...parts))).committed;
  }
}

function closingOfSlice({ value, modRevision }: Stored<Slice>, at: string): { checks: MetadataCheck[]; writes: MetadataWrite[] } {
  const key = sliceMetadataKey(sliceKeyText(value));
  const closed = transitionSlice(value, { type: 'close', at });
  return { checks: [{ key, modRevision }], writes: [{ type: 'put', key, value: JSON.stringify(closed) }] };
}

function merge(...parts: { checks: MetadataCheck[]; writes: MetadataWrite[] }[]): { checks: MetadataCheck[]; writes: MetadataWrite[] } {
  return { checks: parts.flatMap((part) => part.checks), writes: parts.flatMap((part) => part.writes) };
}

/** max(now, the latest of `times` + 1 ms): times of a sink's files and slices only grow, whatever the clock does. */
function after(now: string, ...times: string[]): string {
  const latest = Math.max(...times.map((time) => Date.parse(time)));
  return utcTime(Math.max(Date.parse(now), latest + 1));
}
