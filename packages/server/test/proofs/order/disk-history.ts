import { dirname } from 'node:path';
import type { Call } from '../shim/call-log.ts';

/** Bytes of a file: a block of a part. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** A number of the log's counter from which on something survives a power cut, or why it never does. */
export type Durability = { readonly from: number } | { readonly never: string };

/**
 * What a log of calls says about durability, file by file. It believes no more than POSIX promises: written bytes count from the
 * end of a successful sync of their file that began after the write had ended, names from such an fsync of their folder.
 * Bytes that a failed sync was asked for are lost to all later syncs, because the system may have dropped them and forgotten.
 * The fsync of a folder may be repeated: file systems keep names in a journal that stays broken once it failed.
 */
export class DiskHistory {
  readonly #root: string;
  readonly #byPath = new Map<string, Call[]>();
  /** Calls that gave the path its name: `create`, `mkdir`, `rename`, `link`. */
  readonly #namings = new Map<string, Call[]>();

  /** @param root the folder that must hold nothing that is older than the log; it itself need not be durable */
  constructor(calls: readonly Call[], root: string) {
    this.#root = root;
    for (const call of calls) {
      if (call.result >= 0 && (call.name === 'create' || call.name === 'mkdir')) add(this.#namings, call.path, call);
      else if (call.result >= 0 && (call.name === 'rename' || call.name === 'link')) add(this.#namings, call.other, call);
      else add(this.#byPath, call.path, call);
    }
  }

  /** The bytes as they were written last, and every name that leads to them. */
  blockDurable(block: FileRange): Durability {
    return latest(this.#bytesDurable(block), this.nameDurable(block.path));
  }

  /**
   * The last name-giving call for the path, and for every folder above it up to the root the last one before what is in it was named:
   * a folder that is made anew later is another one.
   */
  nameDurable(path: string): Durability {
    let durability: Durability = { from: 0 };
    let before = Number.POSITIVE_INFINITY;
    for (let entry = path; entry !== this.#root; entry = dirname(entry)) {
      if (entry === dirname(entry)) return { never: `${path} does not lie below ${this.#root}` };
      const made = this.#namings.get(entry)?.findLast(({ begin }) => begin < before);
      if (made === undefined) return { never: `nobody made ${entry}` };
      durability = latest(durability, this.#entryDurable(entry, made));
      before = made.begin;
    }
    return durability;
  }

  /** All that was written to the path so far was synced before `by`: what a rename needs before it. */
  contentSyncedBefore(path: string, by: number): boolean {
    let unsynced: Call[] = [];
    for (const call of this.#byPath.get(path) ?? []) {
      if (call.begin >= by) break;
      if (call.name === 'write' && call.result > 0) unsynced.push(call);
      if (isSync(call) && call.result === 0 && call.end < by) unsynced = unsynced.filter((write) => write.end >= call.begin);
    }
    return unsynced.length === 0;
  }

  #entryDurable(entry: string, made: Call): Durability {
    const sync = this.#byPath
      .get(dirname(entry))
      ?.find(({ name, result, begin }) => name === 'fsyncdir' && result === 0 && begin > made.end);
    return sync === undefined ? { never: `${dirname(entry)} was not synced after the ${made.name} of ${entry}` } : { from: sync.end };
  }

  #bytesDurable({ path, offset, length }: FileRange): Durability {
    const never: Durability = { never: `bytes ${offset} to ${offset + length} of ${path} were not synced after their write` };
    let durability: Durability = never;
    let pending: Call[] = [];
    for (const call of this.#byPath.get(path) ?? []) {
      if (call.name === 'write' && call.result > 0 && call.offset < offset + length && call.offset + call.result > offset) {
        pending.push(call);
        durability = never;
      } else if (call.name === 'truncate' && call.length < offset + length) {
        pending = [];
        durability = never;
      } else if (isSync(call) && call.result !== 0) {
        if ('never' in durability) pending = [];
      } else if (isSync(call) && 'never' in durability) {
        const written = pending.filter((write) => write.end < call.begin);
        if (covers(written, offset, length)) durability = { from: call.end };
      }
    }
    return durability;
  }
}

function add(calls: Map<string, Call[]>, path: string, call: Call): void {
  const known = calls.get(path);
  if (known === undefined) calls.set(path, [call]);
  else known.push(call);
}

const isSync = ({ name }: Call): boolean => name === 'fsync' || name === 'fdatasync';

function covers(writes: readonly Call[], offset: number, length: number): boolean {
  let reached = offset;
  for (const write of [...writes].sort((one, other) => one.offset - other.offset)) {
    if (write.offset > reached) break;
    reached = Math.max(reached, write.offset + write.result);
  }
  return reached >= offset + length;
}

function latest(one: Durability, other: Durability): Durability {
  if ('never' in one) return one;
  return 'never' in other || other.from > one.from ? other : one;
}
