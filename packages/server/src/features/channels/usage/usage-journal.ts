import { readFile, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { UsageRange } from '../../../engines/usage/usage-store.ts';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { writeFileDurably } from '../../../kernel/folder/durable-file.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';

const whole = z.int();
const figures = { packets: whole, bytes: whole, mediaMs: whole, dropped: whole.min(0) };
const rangeSchema = z.object({
  user: z.string(),
  hourMs: whole,
  channel: z.string(),
  sessionId: z.string(),
  flush: whole.min(1),
  epoch: whole.min(0),
  from: whole.min(0),
  to: whole.min(-1),
  ...figures,
  total: z.object({ ...figures, startMs: whole, endMs: whole }),
});
const journalSchema = z.object({ version: z.literal(1), ranges: z.array(rangeSchema) });

/**
 * The ranges that the store may not have yet, in one file that is replaced as a whole: a reader finds what was written last or what was
 * written before it. Ranges that the store has already may be in it too.
 */
export class UsageJournal {
  readonly #file: string;
  readonly #logger: Logger;
  #place: 'written' | 'empty' = 'written';

  /** The folder of the file must exist. */
  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** A file that cannot be read is kept beside its place under another name; that is damage of the disk. */
  async read(): Promise<readonly UsageRange[]> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#place = 'empty';
      return [];
    }
    try {
      return decodeJson(text, { schema: journalSchema, what: 'The journal of usage', code: 'invariantBroken' }).ranges;
    } catch (error) {
      await rename(this.#file, `${this.#file}.damaged`);
      this.#logger.error({ file: this.#file, error: errorText(error) }, 'the journal of usage is damaged; it is kept as .damaged');
      return [];
    }
  }

  /** When it settles, the ranges survive a power cut, and what was there before is gone. */
  async write(ranges: readonly UsageRange[]): Promise<void> {
    this.#place = 'written';
    await writeFileDurably(this.#file, JSON.stringify({ version: 1, ranges }));
  }

  async clear(): Promise<void> {
    if (this.#place === 'empty') return;
    await rm(this.#file, { force: true });
    this.#place = 'empty';
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
