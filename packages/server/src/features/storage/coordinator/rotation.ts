import { decodeJson } from '../../../kernel/codec/json.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import type { TransactionPart } from '../../definitions/definition-hooks.ts';
import { definitionPrefix, sinkKeyText, sourceKeyText } from '../../definitions/keys.ts';
import { type Sink, sinkKeyOf, sinkSchema } from '../../definitions/sink.ts';
import { type Source, sourceSchema } from '../../definitions/source.ts';
import { joinParts } from '../../definitions/transaction-part.ts';
import type { CodecName } from '../block/block-codec.ts';
import { type File, type FileSettings, transitionFile } from '../state/file.ts';
import { type Slice, transitionSlice } from '../state/slice.ts';
import { fileKeyText, fileMetadataKey, sliceKeyText, sliceMetadataKey } from '../state/storage-keys.ts';
import type { StorageStore, Stored } from '../state/storage-store.ts';
import { fileSettings } from './file-settings.ts';
import { slicesOfFile } from './file-slices.ts';
import { newFile, newSlice, openingOfFile, openingOfSlice } from './new-file.ts';
import { newestFile } from './newest-file.ts';

interface RotationOptions {
  readonly store: StorageStore;
  readonly settings: FileSettings;
  /** Of the slices that are opened. */
  readonly codec: CodecName;
  /** The volume for the next slice of a sink. */
  readonly assignVolume: () => string;
  /** Files of the sink that are known in memory, a moment behind metadata. */
  readonly knownFiles: (sinkKey: string) => readonly File[];
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

  /** What opens the sink's next file, and closes the one that is open, to join the transaction that activates or changes the sink. */
  async succession(sink: Sink): Promise<TransactionPart> {
    const { store } = this.#options;
    const last = await this.#newestFile(sink);
    if (last?.value.state === 'writing') {
      const { part, at } = await this.#closing(last);
      return joinParts(part, await this.#opening(sink, at));
    }
    return this.#opening(sink, last ? after(store.now(), last.value.openedAt, last.value.closingAt) : store.now());
  }

  /** What closes the sink's file without a successor. */
  async deactivation(sink: Sink): Promise<TransactionPart> {
    const last = await this.#newestFile(sink);
    return last?.value.state === 'writing' ? (await this.#closing(last)).part : { checks: [], writes: [] };
  }

  /** Closes the slice and opens the next one of the same file and volume. */
  async rotateSlice(sliceKey: string): Promise<boolean> {
    const { store, codec } = this.#options;
    const stored = await store.slice(sliceKey);
    const file = stored && (await store.file(stored.value.file));
    if (stored?.value.state !== 'writing' || file?.value.state !== 'writing') return false;
    const now = after(store.now(), stored.value.openedAt);
    const successor = openingOfSlice(newSlice(file.value, { volumeId: stored.value.volumeId, openedAt: now, codec }));
    // Written, although nothing of it changes: a rotation of the file that has not seen the successor must fail, or it would
    // leave it open in a closed file.
    const key = fileMetadataKey(stored.value.file);
    const touched: TransactionPart = {
      checks: [{ key, modRevision: file.modRevision }],
      writes: [{ type: 'put', key, value: JSON.stringify(file.value) }],
    };
    return this.#commit(closingOfSlice(stored, now), successor, touched);
  }

  /** Closes the file with its open slices and opens the next file, unless the sink is gone or disabled. */
  async rotateFile(fileKey: string): Promise<boolean> {
    const { store } = this.#options;
    const stored = await store.file(fileKey);
    if (stored?.value.state !== 'writing') return false;
    const { part, at } = await this.#closing(stored);
    const sink = await this.#sink(sinkKeyText(stored.value.sink));
    const parts: TransactionPart[] = [part, { checks: [{ key: sink.key, modRevision: sink.modRevision }], writes: [] }];
    if (sink.value && !sink.value.disabled) parts.push(await this.#opening(sink.value, at));
    return this.#commit(...parts);
  }

  #newestFile(sink: Sink): Promise<Stored<File> | undefined> {
    const { store, knownFiles } = this.#options;
    const sinkKey = sinkKeyText(sinkKeyOf(sink));
    return newestFile(store, sinkKey, knownFiles(sinkKey));
  }

  async #opening(sink: Sink, openedAt: string): Promise<TransactionPart> {
    const { settings, codec, assignVolume } = this.#options;
    const source = await this.#source(sink);
    const file = newFile(sink, openedAt, fileSettings(settings, source?.settings ?? [], sink.settings ?? []));
    return joinParts(openingOfFile(file), openingOfSlice(newSlice(file, { volumeId: assignVolume(), openedAt, codec })));
  }

  /** What closes the writing file with its open slices, and the time of that, from which a successor may open. */
  async #closing({ value: file, modRevision }: Stored<File>): Promise<{ part: TransactionPart; at: string }> {
    const { store } = this.#options;
    const fileKey = fileKeyText(file);
    const slices = await slicesOfFile(store, fileKey);
    const at = after(store.now(), file.openedAt, ...slices.map(({ value }) => value.openedAt));
    const key = fileMetadataKey(fileKey);
    const value = JSON.stringify(transitionFile(file, { type: 'close', at }));
    const ofFile: TransactionPart = { checks: [{ key, modRevision }], writes: [{ type: 'put', key, value }] };
    const open = slices.filter((slice) => slice.value.state === 'writing');
    return { part: joinParts(ofFile, ...open.map((slice) => closingOfSlice(slice, at))), at };
  }

  async #sink(sinkKey: string): Promise<{ key: string; modRevision: number; value: Sink | undefined }> {
    const key = definitionPrefix.activeSink + sinkKey;
    const entry = await this.#options.store.metadata.get(key);
    const value = entry && decodeJson(entry.value, { schema: sinkSchema, what: key, code: 'invariantBroken' });
    return { key, modRevision: entry?.modRevision ?? 0, value };
  }

  /** While a source is undeleted, its sinks are activated before it. */
  async #source(sink: Sink): Promise<Source | undefined> {
    const { metadata } = this.#options.store;
    const keys = [definitionPrefix.activeSource, definitionPrefix.deletedSource].map((prefix) => prefix + sourceKeyText(sink));
    for (const key of keys) {
      const entry = await metadata.get(key);
      if (entry !== undefined) return decodeJson(entry.value, { schema: sourceSchema, what: key, code: 'invariantBroken' });
    }
    return undefined;
  }

  async #commit(...parts: readonly TransactionPart[]): Promise<boolean> {
    return (await this.#options.store.metadata.transact(joinParts(...parts))).committed;
  }
}

function closingOfSlice({ value, modRevision }: Stored<Slice>, at: string): TransactionPart {
  const key = sliceMetadataKey(sliceKeyText(value));
  const closed = transitionSlice(value, { type: 'close', at });
  return { checks: [{ key, modRevision }], writes: [{ type: 'put', key, value: JSON.stringify(closed) }] };
}

/** max(now, the latest of `times` + 1 ms): times of a sink's files and slices only grow, whatever the clock does. */
function after(now: string, ...times: string[]): string {
  const latest = Math.max(...times.map((time) => Date.parse(time)));
  return utcTime(Math.max(Date.parse(now), latest + 1));
}
