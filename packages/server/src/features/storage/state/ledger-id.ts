import type { File } from './file.ts';

/**
 * The id of the file's import in the ledger, one for each staging: the one before is burnt first, so nobody can import what was
 * refused any more. Derived, so that a look at the record tells all of them.
 */
export const ledgerIdOf = (file: Pick<File, 'importId' | 'restaged'>): string => ledgerId(file.importId, file.restaged?.count ?? 0);

/** All ids that the ledger may have of the file. */
export const ledgerIdsOf = (file: Pick<File, 'importId' | 'restaged'>): string[] =>
  Array.from({ length: (file.restaged?.count ?? 0) + 1 }, (_, staging) => ledgerId(file.importId, staging));

const ledgerId = (importId: string, staging: number): string => (staging === 0 ? importId : `${importId}-${staging}`);
