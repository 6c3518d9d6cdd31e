import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { extensionOf } from '../block/block-codec.ts';
import { type BlockRoom, boundlessRoom } from '../disk/volume-room.ts';
import { type RecoveredPart, recoverPart, summarizePart } from '../part/recover-part.ts';
import { partNonce } from '../part-name.ts';
import type { AppendRequest, AppendResult } from '../slice-writer.ts';
import { addFigures, type Figures, figuresOf, sumFigures, zeroFigures } from '../state/figures.ts';
import type { SealedPart, Slice } from '../state/slice.ts';
import { isStored } from './is-stored.ts';
import type { PartFile } from './part-file.ts';

interface OpenSliceOptions {
  readonly slice: Slice;
  readonly folder: string;
  /** Makes a part file of the folder; it is created on disk by its first append. */
  readonly createPart: (path: string) => PartFile;
  /** Of the volume. Without one nothing is refused. */
  readonly room?: BlockRoom;
  readonly logger: Logger;
}

/**
 * A slice that is not sealed yet, on the writer's side: parts of living sources, and parts of dead ones that were recovered
 * when the slice was opened. `seal` ends it: nothing is accepted any more, what was begun is finished, and the counts are
 * taken from the headers (I4).
 */
export class OpenSlice implements AsyncDisposable {
  readonly #options: OpenSliceOptions;
  readonly #parts = new Map<string, PartFile>();
  /** Parts that were there before this process; nothing is appended to them. */
  #recovered: Promise<ReadonlyMap<string, RecoveredPart>> | undefined;
  #dead: Promise<ReadonlySet<string>> | undefined;
  #recoveredFigures: Figures = zeroFigures;
  #accepting: boolean;
  readonly #begun = new Set<Promise<unknown>>();

  constructor(options: OpenSliceOptions) {
    this.#options = options;
    this.#accepting = options.slice.state === 'writing';
    // `seal` repeats a failed recovery and reports it.
    this.#recoverOnce().catch(() => undefined);
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get slice(): Slice {
    return this.#options.slice;
  }

  /** Live figures, for triggers and status. */
  get figures(): Figures {
    return addFigures(this.#recoveredFigures, sumFigures([...this.#parts.values()].map((part) => part.figures)));
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const { slice } = this.#options;
    // The offset is judged before the state: a repeat of a stored block succeeds even when the slice is closing.
    if ((await this.#deadParts()).has(request.part)) return this.#appendToDead(request);
    const part = this.#parts.get(request.part);
    if (!this.#accepting) return part ? part.appendSealed(request.offset, request.block) : { type: 'sealed', sealedLength: 0 };
    if (request.sinkVersion !== slice.sinkVersion || request.codec !== slice.codec) {
      return { type: 'mismatch', sinkVersion: slice.sinkVersion, codec: slice.codec };
    }
    // A refused source opens another part for its next block: none is kept here of those that never got one.
    const full = part ? undefined : (this.#options.room ?? boundlessRoom).take(0);
    if (full) return full;
    const work = (part ?? this.#createPart(request.part)).append(request.offset, request.block);
    this.#begun.add(work);
    try {
      return await work;
    } finally {
      this.#begun.delete(work);
    }
  }

  /** Parts by name, each with the bytes that are acknowledged in it. */
  async durableParts(): Promise<ReadonlyMap<string, number>> {
    const recovered = [...(await this.#recoverOnce())].map(([name, { length }]) => [name, length] as const);
    return new Map([...recovered, ...[...this.#parts].map(([name, { watermark }]) => [name, watermark] as const)]);
  }

  /** From now on nothing is accepted. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  /** Waits for what was begun and counts. The caller stores the result, then disposes. */
  async seal(): Promise<{ parts: SealedPart[]; figures: Figures; unknownDamage: boolean }> {
    this.stopAccepting();
    await Promise.allSettled(this.#begun);
    await this.#flush();
    const parts: SealedPart[] = [];
    let figures = zeroFigures;
    let unknownDamage = false;
    for (const [name, { length, summary }] of await this.#recoverOnce()) {
      if (length > 0) parts.push({ name, length });
      figures = addFigures(figures, figuresOf(summary));
      unknownDamage ||= summary.unknownDamage;
    }
    for (const [name, part] of this.#parts) {
      if (part.watermark === 0) {
        // What is in it was never durable, and from here on never will be: a file that nobody lists would look like a lost one.
        await rm(this.#path(name), { force: true }).catch(() => undefined);
        continue;
      }
      const summary = await summarizePart(this.#path(name), { nonce: partNonce(name), length: part.watermark });
      parts.push({ name, length: part.watermark });
      figures = addFigures(figures, figuresOf(summary));
      unknownDamage ||= summary.unknownDamage;
    }
    return { parts: parts.sort((a, b) => (a.name < b.name ? -1 : 1)), figures, unknownDamage };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopAccepting();
    await this.#recovered?.catch(() => undefined);
    await this.#flush();
    for (const part of this.#parts.values()) await part[Symbol.asyncDispose]();
  }

  /** Sealing goes on where a disk fails here: its rows were promised to survive the process only, and the upload verifies them. */
  async #flush(): Promise<void> {
    for (const [part, file] of this.#parts) {
      try {
        await file.flush();
      } catch (error) {
        this.#options.logger.error({ part, error: errorText(error) }, 'a part could not be synced: a loss of power may lose rows of it');
      }
    }
  }

  /** A part from before this writer's start is finished for its source, which may have survived: it goes on with the next part. */
  async #appendToDead(request: AppendRequest): Promise<AppendResult> {
    const length = (await this.#recoverOnce()).get(request.part)?.length ?? 0;
    const stored = await isStored(this.#path(request.part), length, request);
    return stored ?? (this.#accepting ? { type: 'gap', watermark: length } : { type: 'sealed', sealedLength: length });
  }

  #createPart(name: string): PartFile {
    const part = this.#options.createPart(this.#path(name));
    this.#parts.set(name, part);
    return part;
  }

  #path(part: string): string {
    return join(this.#options.folder, part + extensionOf(this.slice.codec));
  }

  /** Names of the parts that were there when the slice was opened. */
  #deadParts(): Promise<ReadonlySet<string>> {
    const { folder, slice } = this.#options;
    this.#dead ??= partsIn(folder, extensionOf(slice.codec)).catch((error: unknown) => {
      this.#dead = undefined;
      throw error;
    });
    return this.#dead;
  }

  #recoverOnce(): Promise<ReadonlyMap<string, RecoveredPart>> {
    this.#recovered ??= this.#recover().catch((error: unknown) => {
      this.#recovered = undefined;
      throw error;
    });
    return this.#recovered;
  }

  async #recover(): Promise<ReadonlyMap<string, RecoveredPart>> {
    const { logger } = this.#options;
    const recovered = new Map<string, RecoveredPart>();
    for (const name of await this.#deadParts()) {
      const part = await recoverPart(this.#path(name), partNonce(name));
      if (part.tornBytes > 0) logger.warn({ part: name, tornBytes: part.tornBytes }, 'cut a torn tail off a part');
      recovered.set(name, part);
    }
    this.#recoveredFigures = sumFigures([...recovered.values()].map(({ summary }) => figuresOf(summary)));
    return recovered;
  }
}

async function partsIn(folder: string, extension: string): Promise<ReadonlySet<string>> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return new Set(names.filter((name) => name.endsWith(extension)).map((name) => name.slice(0, -extension.length)));
}
