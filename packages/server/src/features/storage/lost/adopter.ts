import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { fsyncDirectory, makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import { definitionPrefix, sinkKeyText } from '../../definitions/keys.ts';
import { type Sink, sinkSchema } from '../../definitions/sink.ts';
import { joinParts } from '../../definitions/transaction-part.ts';
import type { CodecName } from '../block/block-codec.ts';
import { newFile, newSlice, openingOfFile, openingOfSlice } from '../coordinator/new-file.ts';
import { newestFile } from '../coordinator/newest-file.ts';
import type { Adoption } from '../fsck-report.ts';
import { type File, type FileSettings, transitionFile } from '../state/file.ts';
import { type Slice, transitionSlice } from '../state/slice.ts';
import { fileKeyText, parseSliceFolder, type SliceName, sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { lostAndFoundName, type Volume } from '../volume.ts';
import { findParts } from './find-parts.ts';

interface AdopterOptions {
  readonly store: StorageStore;
  readonly settings: FileSettings;
}

type Verdict = Pick<Adoption, 'adopted' | 'note'>;

interface NewRecords {
  readonly sink: Sink;
  readonly named: SliceName;
  readonly volume: Volume;
  readonly codec: CodecName;
}

const refused = (note: string): Verdict => ({ adopted: false, note });
const maxConflicts = 20;

/**
 * Takes a slice folder back from `lost+found`: puts it where it was and gives metadata a closing slice for it, in a closing
 * file of its own, with an import id of its own. The writer seals it as any closing slice, and it goes the usual way.
 */
export class Adopter {
  readonly #options: AdopterOptions;

  constructor(options: AdopterOptions) {
    this.#options = options;
  }

  async adopt(volume: Volume, path: string): Promise<Verdict> {
    const { store } = this.#options;
    const lost = join(volume.path, lostAndFoundName, path);
    const place = join(volume.path, path);
    const named = parseSliceFolder(path);
    if (!named) return refused('its name is not that of a slice');
    const key = sliceKeyText({ ...named, volumeId: volume.id });
    if (await store.slice(key)) return refused('metadata has a slice of this key');
    if (existsSync(place)) return refused('another folder stands where it was');
    if (!(await this.#sink(definitionPrefix.activeSink + sinkKeyText(named.sink)))) return refused('its sink does not exist');
    const sink = await this.#sinkAt(named);
    if (!sink) return refused('its sink has no version that is as old as the slice');
    const found = await findParts(lost);
    if (!found) return refused('it holds parts of several formats, and so not those of one slice');
    const { fields, codec } = found;
    if (fields === undefined) return refused('no row in it can be read');
    const { columns } = sink.table.mapping;
    if (fields !== columns.length) {
      return refused(`its rows have ${fields} columns, version ${sink.version.number} of the sink has ${columns.length}`);
    }
    // The folder first: a closing slice without its folder would be sealed as an empty one.
    await move(lost, place, volume.path);
    try {
      await this.#record({ sink, named, volume, codec });
    } catch (error) {
      await move(place, lost, volume.path);
      throw error;
    }
    return { adopted: true, note: key };
  }

  /** The sink as it was when the slice was opened: its rows have the columns of that version. */
  async #sinkAt({ sink, openedAt }: SliceName): Promise<Sink | undefined> {
    const prefix = `${definitionPrefix.sinkVersion}${sinkKeyText(sink)}/`;
    let found: Sink | undefined;
    for (let after: string | undefined, more = true; more; ) {
      const page = await this.#options.store.metadata.range({ prefix, limit: 100, ...(after !== undefined && { after }) });
      for (const entry of page.entries) {
        const version = decodeJson(entry.value, { schema: sinkSchema, what: entry.key, code: 'invariantBroken' });
        if (version.version.at <= openedAt) found = version;
      }
      after = page.entries.at(-1)?.key;
      more = page.more && after !== undefined;
    }
    return found;
  }

  async #sink(key: string): Promise<Sink | undefined> {
    const entry = await this.#options.store.metadata.get(key);
    return entry && decodeJson(entry.value, { schema: sinkSchema, what: key, code: 'invariantBroken' });
  }

  async #record({ sink, named, volume, codec }: NewRecords): Promise<void> {
    const { store, settings } = this.#options;
    for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
      const file = newFile(sink, await this.#freeTime(named), settings);
      const at = [store.now(), named.openedAt, file.openedAt].reduce((latest, time) => (time > latest ? time : latest));
      const slice = closed(
        transitionSlice(newSlice(file, { volumeId: volume.id, openedAt: named.openedAt, codec }), { type: 'close', at }),
      );
      const { committed } = await store.metadata.transact(
        joinParts(openingOfFile(closed(transitionFile(file, { type: 'close', at }))), openingOfSlice(slice)),
      );
      if (committed) return;
    }
    throw new AppError('transactionConflict', `Files of ${sinkKeyText(named.sink)} were opened by others ${maxConflicts} times in a row.`);
  }

  /** A file key that nobody has, older than the sink's newest file: the newest one is taken for the one that takes rows. */
  async #freeTime({ sink, openedAt }: SliceName): Promise<string> {
    const { store } = this.#options;
    const newest = await newestFile(store, sinkKeyText(sink), []);
    let time = Date.parse(openedAt);
    if (newest) time = Math.min(time, Date.parse(newest.value.openedAt) - 1);
    while (await store.file(fileKeyText({ sink, openedAt: utcTime(time) }))) time -= 1;
    return utcTime(time);
  }
}

function closed<T extends File | Slice>(entity: T | undefined): T {
  if (!entity) throw new AppError('invariantBroken', 'A new file or slice cannot be closed.');
  return entity;
}

async function move(from: string, to: string, volumePath: string): Promise<void> {
  await makeDirectoryDurable(dirname(to), volumePath);
  await rename(from, to);
  await fsyncDirectory(dirname(to));
  await fsyncDirectory(dirname(from));
}
