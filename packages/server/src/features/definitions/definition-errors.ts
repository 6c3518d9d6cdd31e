import { AppError } from '../../kernel/errors/app-error.ts';
import { versionKeyText } from './keys.ts';

export const sourceMissing = (sourceId: string): AppError =>
  new AppError('sourceNotFound', `Source "${sourceId}" not found in the branch.`);
export const sourceExists = (sourceId: string): AppError =>
  new AppError('sourceAlreadyExists', `Source "${sourceId}" already exists in the branch.`);
export const deletedSourceMissing = (sourceId: string): AppError =>
  new AppError('deletedSourceNotFound', `Deleted source "${sourceId}" not found in the branch.`);
export const deletedSinkMissing = (sinkId: string): AppError =>
  new AppError('deletedSinkNotFound', `Deleted sink "${sinkId}" not found in the source.`);
export const sourceVersionMissing = (sourceId: string, number: number): AppError =>
  new AppError('sourceVersionNotFound', `Source version "${sourceId}/${versionKeyText(number)}" not found in the branch.`);
export const sinkMissing = (sinkId: string): AppError => new AppError('sinkNotFound', `Sink "${sinkId}" not found in the source.`);
/** While its creation still runs, the sink is named by its whole key. */
export const sinkExists = (name: string): AppError => new AppError('sinkAlreadyExists', `Sink "${name}" already exists in the source.`);
export const sinkVersionMissing = (sinkId: string, number: number): AppError =>
  new AppError('sinkVersionNotFound', `Sink version "${sinkId}/${versionKeyText(number)}" not found in the source.`);
