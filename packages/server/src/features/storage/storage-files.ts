import { type FileState, isFinished } from './state/file.ts';
import type { SliceState } from './state/slice.ts';
import { fileKeyText, sliceKeyText } from './state/storage-keys.ts';
import type { StorageView } from './storage-view.ts';

interface RowCounts {
  /** That are good. */
  readonly rows: number;
  readonly damagedRows: number;
}

/** Keys as the commands take them. */
interface SliceListing extends RowCounts {
  readonly slice: string;
  readonly state: SliceState;
}

export interface FileListing extends RowCounts {
  readonly file: string;
  readonly state: FileState;
  readonly slices: readonly SliceListing[];
}

/** The files that are not finished, and those that lost rows on the disk, with their slices; in order of their keys. */
export function storageFiles(view: StorageView): FileListing[] {
  const files = [...view.files()];
  return files
    .map((file): FileListing => {
      const slices = view.slicesOf(fileKeyText(file)).map((slice): SliceListing => {
        const { goodRows, damagedRows } = view.figures(sliceKeyText(slice));
        return { slice: sliceKeyText(slice), state: slice.state, rows: goodRows, damagedRows };
      });
      const sum = (count: (slice: SliceListing) => number) => slices.reduce((total, slice) => total + count(slice), 0);
      return {
        file: fileKeyText(file),
        state: file.state,
        rows: sum(({ rows }) => rows),
        damagedRows: sum(({ damagedRows }) => damagedRows),
        slices: slices.sort((one, other) => (one.slice < other.slice ? -1 : 1)),
      };
    })
    .filter(({ damagedRows }, index) => damagedRows > 0 || !isFinished(files[index]))
    .sort((one, other) => (one.file < other.file ? -1 : 1));
}
