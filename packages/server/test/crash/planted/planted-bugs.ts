import type { CheckpointName } from '../../../src/kernel/observe/checkpoint.ts';
import { plantedEventBugs } from '../../events-crash/planted/planted-event-bugs.ts';
import type { PlantedText } from './planted-text.ts';

export interface PlantedBug extends PlantedText {
  /** Test files, below `packages/server`, each of which must fail; `crash`: rounds of the crash suite that die at the given point. */
  readonly caughtBy: readonly string[];
  readonly crashPoint?: CheckpointName;
}

const storage = 'features/storage';
const unit = `src/${storage}`;

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'answer before sync',
    file: `${storage}/writer/part-file.ts`,
    text: 'await sync(() => file.datasync());',
    planted: 'void sync(() => file.datasync()).catch(() => undefined);',
    caughtBy: [`${unit}/writer/part-file.test.ts`, 'test/proofs/record-order.test.ts'],
  },
  {
    name: 'no ledger',
    file: 'engines/tables/duckdb/import-ledger.ts',
    text: 'if (inserted.rowsChanged === 1) return undefined;',
    planted: 'if (inserted.rowsChanged >= 0) return undefined;',
    caughtBy: ['src/engines/tables/duckdb/duckdb-table-engine.test.ts'],
    crashPoint: 'import.afterCommit',
  },
  {
    name: 'seal before drain',
    file: `${storage}/writer/open-slice.ts`,
    text: 'await Promise.allSettled(this.#begun);',
    planted: '',
    caughtBy: [`${unit}/writer/open-slice.test.ts`],
  },
  {
    name: 'part name reused after a restart',
    file: 'features/ingest/sink-router.ts',
    text: "readonly #epoch = randomBytes(8).toString('hex');",
    planted: "readonly #epoch = randomBytes(8).toString('hex').replaceAll(/./g, '0');",
    caughtBy: ['src/features/ingest/sink-router.test.ts'],
  },
  {
    name: 'part of a dead source continued',
    file: `${storage}/writer/open-slice.ts`,
    text: 'if ((await this.#deadParts()).has(request.part)) return',
    planted: 'if (request.offset < 0) return',
    caughtBy: [`${unit}/writer/open-slice.test.ts`],
  },
  {
    name: 'acknowledge by length only',
    file: `${storage}/writer/is-stored.ts`,
    text: 'bytesRead === block.length && crc32(stored) === block.checksum ?',
    planted: 'bytesRead === block.length && crc32(stored) >= 0 ?',
    caughtBy: [`${unit}/writer/part-file.test.ts`],
  },
  {
    name: 'ledger row deleted first',
    file: `${storage}/coordinator/cleanup.ts`,
    text: 'for (const slice of slices) await this.#removeObjects(slice);',
    planted:
      'await tables.forgetImport(tableSpaceOf(file.sink), file.importId); for (const slice of slices) await this.#removeObjects(slice);',
    caughtBy: [`${unit}/coordinator/cleanup.test.ts`],
  },
  {
    name: 'an upload leaves a part out',
    file: `${storage}/upload/read-slice.ts`,
    text: 'for (const piece of pieces) {',
    planted: 'for (const piece of pieces.slice(1)) {',
    caughtBy: [`${unit}/upload/slice-uploader.test.ts`],
  },
];

/** The source as the bug leaves it; undefined for other files. Throws where the text is not there once: the code has moved on. */
export function plant(bug: PlantedText, path: string, source: string): string | undefined {
  if (!path.endsWith(`packages/server/src/${bug.file}`)) return undefined;
  if (source.split(bug.text).length !== 2) throw new Error(`The text of the bug "${bug.name}" is not once in ${bug.file}: ${bug.text}`);
  return source.replace(bug.text, () => bug.planted);
}

/** The bug that the environment of this process names. */
export function plantedBug(): PlantedText | undefined {
  return [...plantedBugs, ...plantedEventBugs].find(({ name }) => name === process.env['PLANTED_BUG']);
}
