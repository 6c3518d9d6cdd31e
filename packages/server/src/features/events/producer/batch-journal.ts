import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { writeFileDurably } from '../../../kernel/folder/durable-file.ts';

const batchSchema = z.object({ key: z.string(), events: z.array(z.string()).min(1) });

export interface Batch {
  /** Of its file; batches are sent in the order of their names. */
  readonly name: string;
  /** Sent as `Idempotency-Key`, with every attempt. */
  readonly key: string;
  /** JSON texts. */
  readonly events: readonly string[];
}

interface DeadLetter {
  readonly event: string;
  readonly reason: string;
}

const batchName = /^\d{12}(?:\.[01])*$/;
const deadLetterFile = 'dead-letters.jsonl';

/**
 * Batches that were not acknowledged yet, a file for each: what was sent once is sent again under the same key, also by a later process,
 * so that the log can tell repeats.
 */
export class BatchJournal {
  readonly #folder: string;
  #batches: Batch[];
  #next: number;

  private constructor(folder: string, batches: Batch[]) {
    this.#folder = folder;
    this.#batches = batches;
    this.#next = 1 + Number(batches.at(-1)?.name.slice(0, 12) ?? 0);
  }

  /** Makes the folder where it is missing. `folderUnusable` where it holds a batch that cannot be read. */
  static async open(folder: string): Promise<BatchJournal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const batches: Batch[] = [];
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      // Never finished, so never sent.
      if (name.endsWith('.tmp')) await rm(path);
      if (!batchName.test(name)) continue;
      const { key, events } = decodeJson(await readFile(path, 'utf8'), { schema: batchSchema, what: path, code: 'folderUnusable' });
      batches.push({ name, key, events });
    }
    return new BatchJournal(folder, batches);
  }

  /** The one to send now. */
  get first(): Batch | undefined {
    return this.#batches[0];
  }

  /** In all batches. */
  get events(): number {
    return this.#batches.reduce((sum, { events }) => sum + events.length, 0);
  }

  /** Durable when it settles. */
  async add(key: string, events: readonly string[]): Promise<void> {
    const batch = { name: String(this.#next).padStart(12, '0'), key, events };
    this.#next += 1;
    await this.#write(batch);
    this.#batches.push(batch);
  }

  /** Puts the halves in the place of the first batch, which has two events or more. Their keys follow from its own, also after a crash in between. */
  async splitFirst(): Promise<void> {
    const [batch, ...rest] = this.#batches;
    if (!batch || batch.events.length < 2) throw new AppError('invariantBroken', 'A batch without two events was to be split.');
    const middle = Math.ceil(batch.events.length / 2);
    const halves = [batch.events.slice(0, middle), batch.events.slice(middle)].map((events, half) => ({
      name: `${batch.name}.${half}`,
      key: `${batch.key}.${half}`,
      events,
    }));
    for (const half of halves) await this.#write(half);
    await rm(join(this.#folder, batch.name));
    this.#batches = [...halves, ...rest];
  }

  async removeFirst(): Promise<void> {
    const batch = this.#batches.shift();
    if (batch) await rm(join(this.#folder, batch.name));
  }

  /** What will never be taken, a line for each, for people. */
  async bury(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await appendFile(join(this.#folder, deadLetterFile), letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''), { mode: 0o600 });
  }

  #write({ name, key, events }: Batch): Promise<void> {
    return writeFileDurably(join(this.#folder, name), JSON.stringify({ key, events }));
  }
}
