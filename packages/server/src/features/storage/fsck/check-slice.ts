import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../fsck-report.ts';
import { inspectPart, inspectSealedPart } from '../part/inspect-part.ts';
import type { PartDamage } from '../part/part-extent.ts';
import { recoverPart } from '../part/recover-part.ts';
import { partFileOfTail } from '../part/torn-tail.ts';
import { partNonce } from '../part-name.ts';
import type { SealedPart, Slice } from '../state/slice.ts';
import { sliceFolder } from '../state/storage-keys.ts';
import type { Volume } from '../volume.ts';
import { entriesIn } from './volume-tree.ts';

export interface SliceCheckOptions {
  readonly slice: Slice;
  readonly volume: Volume;
  readonly extension: string;
  /** Its file is imported or discarded: the local parts may be gone at any moment. */
  readonly isFinished: boolean;
  /** What the running writer says is durable in each part; undefined where none has the slice open. */
  readonly durable: ReadonlyMap<string, number> | undefined;
  /** Somebody may append while the check reads: the end of a part says nothing. */
  readonly isLive: boolean;
  readonly repair: boolean;
}

export interface SliceCheck {
  readonly findings: Finding[];
  readonly parts: number;
  readonly bytes: number;
}

/** Compares the folder of a slice that metadata knows with what metadata says of it. */
export async function checkSlice(options: SliceCheckOptions): Promise<SliceCheck> {
  const { slice, volume, extension } = options;
  const folder = sliceFolder(slice);
  const check = new Check(volume, folder);
  const entries = await entriesIn(join(volume.path, folder));
  if (slice.state === 'uploaded' && slice.localRemovedAt !== undefined) {
    if (entries.length > 0) check.add({ type: 'removedSlice', path: folder });
    return check;
  }
  const isPart = (name: string) => name.endsWith(extension);
  const names = entries.filter((entry) => entry.isFile() && isPart(entry.name)).map(({ name }) => name.slice(0, -extension.length));
  const sealed = 'parts' in slice ? slice.parts : options.durable && [...options.durable].map(([name, length]) => ({ name, length }));
  if (sealed) await checkSealed(check, { ...options, parts: [...sealed, ...partsCutAway(names, sealed)] });
  else for (const name of names) await checkOpen(check, { ...options, name });
  const known = new Set('parts' in slice ? slice.parts.map(({ name }) => name) : names);
  const partFiles: ReadonlySet<string | undefined> = new Set([...known, ...names].map((name) => name + extension));
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) check.add({ type: 'unknownFolder', path });
    else if (!partFiles.has(partFileOfTail(entry.name)) && !(isPart(entry.name) && known.has(entry.name.slice(0, -extension.length)))) {
      // A part that holds nothing durable is not in the list of the sealed ones.
      const { size } = await stat(join(volume.path, path)).catch(() => ({ size: 0 }));
      if (size > 0 || !isPart(entry.name)) check.add({ type: 'unknownFile', path });
    }
  }
  return check;
}

/** Parts that hold nothing durable are not in the list of the sealed ones; recovery may have found damage in them all the same. */
function partsCutAway(names: readonly string[], sealed: readonly SealedPart[]): SealedPart[] {
  const listed = new Set(sealed.map(({ name }) => name));
  return names.filter((name) => !listed.has(name)).map((name) => ({ name, length: 0 }));
}

class Check implements SliceCheck {
  readonly findings: Finding[] = [];
  parts = 0;
  bytes = 0;
  readonly #volume: Volume;
  readonly #folder: string;

  constructor(volume: Volume, folder: string) {
    this.#volume = volume;
    this.#folder = folder;
  }

  pathOf(file: string): string {
    return `${this.#folder}/${file}`;
  }

  absolute(file: string): string {
    return join(this.#volume.path, this.pathOf(file));
  }

  add(finding: Omit<Finding, 'volume'>): void {
    this.findings.push({ volume: this.#volume.id, ...finding });
  }

  addDamage(file: string, damage: readonly PartDamage[]): void {
    for (const { offset, length, rows } of damage) {
      this.add({ type: 'damagedMember', path: this.pathOf(file), offset, length, ...(rows !== undefined && { rows }) });
    }
  }
}

async function checkSealed(check: Check, options: SliceCheckOptions & { readonly parts: readonly SealedPart[] }): Promise<void> {
  const { slice, parts, extension, isFinished } = options;
  let goodRows = 0;
  for (const { name, length } of parts) {
    const file = name + extension;
    const inspected = await ifThere(inspectSealedPart(check.absolute(file), { nonce: partNonce(name), length }));
    if (!inspected) {
      if (!isFinished && length > 0) check.add({ type: 'missingPart', path: check.pathOf(file), length });
      continue;
    }
    if (length > 0) check.parts += 1;
    check.bytes += length;
    goodRows += inspected.goodRows;
    check.addDamage(file, inspected.damage);
  }
  const isExplained = check.findings.length > 0 || isFinished;
  if ('figures' in slice && goodRows !== slice.figures.goodRows && !isExplained) {
    check.add({ type: 'rowsDiffer', path: sliceFolder(slice), rows: goodRows, expectedRows: slice.figures.goodRows });
  }
}

async function checkOpen(check: Check, options: SliceCheckOptions & { readonly name: string }): Promise<void> {
  const { name, extension, isLive, repair } = options;
  const file = name + extension;
  const inspected = await ifThere(inspectPart(check.absolute(file), partNonce(name)));
  if (!inspected) return;
  check.parts += 1;
  check.bytes += (await stat(check.absolute(file))).size;
  check.addDamage(file, inspected.damage);
  if (repair) await recoverPart(check.absolute(file), partNonce(name));
  if (inspected.torn && !isLive) {
    check.add({ type: 'tornTail', path: check.pathOf(file), ...inspected.torn, ...(repair && { repaired: true }) });
  }
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
