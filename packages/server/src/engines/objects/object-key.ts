import { AppError } from '../../kernel/errors/app-error.ts';

const keyPattern = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
/** Longest key and segment that both a file system and S3 take. */
const maxKeyLength = 900;
const maxSegmentLength = 250;

/** `invariantBroken` for a key that is none, in particular one that would leave the folder. */
export function assertObjectKey(key: string): void {
  const segments = key.split('/');
  const isKey = keyPattern.test(key) && key.length <= maxKeyLength;
  if (!isKey || segments.some((segment) => segment === '.' || segment === '..' || segment.length > maxSegmentLength)) {
    throw new AppError('invariantBroken', `"${key.slice(0, 200)}" is no object key.`);
  }
}
