import type { LevelAnswer, LevelsAnswer, SinkFileAnswer, StatisticsTotal } from '@sluice/contract/statistics';
import { utcTime } from '../../kernel/codec/utc-time.ts';
import type { ConservationView } from './conservation.ts';
import { addFigures, type Figures, zeroFigures } from './state/figures.ts';
import { type File, isFinished, quarantineOf } from './state/file.ts';
import type { Slice } from './state/slice.ts';
import { fileKeyText, sliceKeyText } from './state/storage-keys.ts';

/** Target figures at a moment; statistics count from there on. */
export interface StatisticsReset {
  /** UTC text. */
  readonly at: string;
  readonly figures: Figures;
}

const levelNames = ['local', 'staging', 'target'] as const;
type LevelFigures = Readonly<Record<(typeof levelNames)[number], Figures>>;
const noFigures: LevelFigures = { local: zeroFigures, staging: zeroFigures, target: zeroFigures };

/**
 * Good rows of a sink by level. Rows in quarantine are staged; discarded ones are nowhere. So local + staging + target are the
 * local, staged, quarantined and imported rows of `sluice status`.
 */
export function sinkTotal(view: ConservationView, { sink, files, reset }: SinkFiles): StatisticsTotal {
  const levels = files.map((file) => fileLevels(view, file)).reduce(addLevels, { ...noFigures, target: view.sinkSum(sink) });
  return totalOf(reset ? { ...levels, target: subtract(levels.target, reset.figures) } : levels);
}

/** What a reset takes away from now on. */
export function targetFigures(view: ConservationView, { sink, files }: SinkFiles): Figures {
  return files.map((file) => fileLevels(view, file).target).reduce(addFigures, view.sinkSum(sink));
}

export interface SinkFiles {
  /** Text of the key. */
  readonly sink: string;
  readonly files: readonly File[];
  readonly reset?: StatisticsReset | undefined;
}

/** Files opened after the reset: imported ones before others, those without a failure first, each in order of opening. Discarded ones are left out. */
export function fileStatistics(view: ConservationView, { files, reset }: SinkFiles, failedOnly: boolean): SinkFileAnswer[] {
  return fileAnswers(
    view,
    files.filter(({ openedAt }) => !reset || openedAt > reset.at),
  )
    .filter(({ state, retryAttempt }) => !failedOnly || (state !== 'imported' && retryAttempt !== undefined))
    .sort((one, other) => (rankOf(one) < rankOf(other) ? -1 : 1));
}

/** All files of a sink, also those from before a reset: newest first. Discarded ones are left out. */
export function newestFiles(view: ConservationView, files: readonly File[]): SinkFileAnswer[] {
  return fileAnswers(view, files).sort((one, other) => (one.openedAt > other.openedAt ? -1 : 1));
}

const fileAnswers = (view: ConservationView, files: readonly File[]): SinkFileAnswer[] =>
  files.filter(({ state }) => state !== 'discarded').map((file) => fileAnswer(view, file));

/** The part of the order that stands before the time of opening, and that. */
const rankOf = ({ state, retryReason, openedAt }: SinkFileAnswer): string =>
  `${state === 'imported' ? 0 : 1}${retryReason === undefined ? 0 : 1}${openedAt}`;

function fileAnswer(view: ConservationView, file: File): SinkFileAnswer {
  const { total, levels } = totalOf(fileLevels(view, file));
  return {
    state: stateOf(file),
    openedAt: file.openedAt,
    ...('closingAt' in file && { closingAt: file.closingAt }),
    ...('importingAt' in file && file.importingAt !== undefined && { importingAt: file.importingAt }),
    ...('importedAt' in file && { importedAt: file.importedAt }),
    ...retryOf(view, file),
    statistics: { total: total.recordsCount > 0 ? total : null, levels },
  };
}

function stateOf({ state }: File): SinkFileAnswer['state'] {
  return state === 'discarding' || state === 'discarded' ? 'importing' : state;
}

/** Of the file, or of a slice of it that holds it up. A file in quarantine is due since then: it waits for an operator. */
function retryOf(view: ConservationView, file: File): Pick<SinkFileAnswer, 'retryAttempt' | 'retryReason' | 'retryAfter'> {
  const quarantine = quarantineOf(file);
  if (quarantine) return { retryAttempt: Math.max(file.retry?.attempt ?? 1, 1), retryReason: quarantine.reason, retryAfter: quarantine.at };
  if (isFinished(file)) return {};
  const [retry] = [file.retry, ...view.slicesOf(fileKeyText(file)).map((slice) => slice.retry)].filter((one) => one !== undefined);
  return retry ? { retryAttempt: retry.attempt, retryReason: retry.reason, retryAfter: retry.after } : {};
}

function fileLevels(view: ConservationView, file: File): LevelFigures {
  if (file.state === 'imported') return { ...noFigures, target: file.figures };
  if (file.state === 'discarded') return noFigures;
  return view
    .slicesOf(fileKeyText(file))
    .map((slice) => sliceLevels(view, slice))
    .reduce(addLevels, noFigures);
}

function sliceLevels(view: ConservationView, slice: Slice): LevelFigures {
  return { ...noFigures, [slice.state === 'uploaded' ? 'staging' : 'local']: view.figures(sliceKeyText(slice)) };
}

const addLevels = (one: LevelFigures, other: LevelFigures): LevelFigures => ({
  local: addFigures(one.local, other.local),
  staging: addFigures(one.staging, other.staging),
  target: addFigures(one.target, other.target),
});

function totalOf(figures: LevelFigures): StatisticsTotal {
  const known = levelNames.filter((name) => figures[name].goodRows > 0);
  const levels: LevelsAnswer = Object.fromEntries(known.map((name) => [name, levelOf(figures[name])]));
  return { total: levelOf(known.map((name) => figures[name]).reduce(addFigures, zeroFigures)), levels };
}

function levelOf({ firstAt, lastAt, goodRows, compressedBytes, rawBytes }: Figures): LevelAnswer {
  return {
    ...(firstAt !== undefined && { firstRecordAt: utcTime(firstAt) }),
    ...(lastAt !== undefined && { lastRecordAt: utcTime(lastAt) }),
    recordsCount: goodRows,
    compressedSize: compressedBytes,
    uncompressedSize: rawBytes,
  };
}

/** Times stay as they are. */
const subtract = (figures: Figures, reset: Figures): Figures => ({
  ...figures,
  goodRows: Math.max(0, figures.goodRows - reset.goodRows),
  compressedBytes: Math.max(0, figures.compressedBytes - reset.compressedBytes),
  rawBytes: Math.max(0, figures.rawBytes - reset.rawBytes),
});
