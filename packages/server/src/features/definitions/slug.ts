import { AppError } from '../../kernel/errors/app-error.ts';

const maxIdLength = 48;
/** Static path segments that would hide an entity of this id. */
const reservedIds: ReadonlySet<string> = new Set(['deleted']);

/**
 * The id that a text becomes: words split at capitals and at everything that is no letter or digit, joined by `-`,
 * accents stripped, lower case. Latin letters without a plain form (`ø`) stay as they are.
 */
export function slug(text: string): string {
  return text
    .replace(/[A-Z]+/g, '-$&')
    .replace(/[^a-zA-Z0-9\u00C1-\u017E]+/gu, '-')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
}

interface IdRequest {
  readonly field: 'sourceId' | 'sinkId';
  /** The id that the client asks for. */
  readonly given: string | undefined;
  readonly name: string;
}

/** The id of a new entity. `badRequest` where it would be empty, too long for a path, or reserved. */
export function entityIdOf({ field, given, name }: IdRequest): string {
  const id = slug(given === undefined || given === '' ? name : given);
  if (id === '') throw new AppError('badRequest', `"${field}" must not be empty.`);
  const length = [...id].length;
  if (length > maxIdLength) {
    throw new AppError('badRequest', `"${field}" must have at most ${maxIdLength} characters, "${id}" has ${length}.`);
  }
  if (reservedIds.has(id)) throw new AppError('badRequest', `"${field}" must not be "${id}", the word is reserved.`);
  return id;
}
