import { discardQuarantinedFile, listQuarantine, retryQuarantinedFile } from '@sluice/contract/quarantine-operations';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { bindBranch } from '../definitions/bind-operation.ts';
import type { BoundOperation } from '../definitions/bound-operation.ts';
import { type BranchKey, branchKeyText } from '../definitions/keys.ts';
import type { Quarantine } from './quarantine.ts';

interface QuarantineOperationsOptions {
  readonly store: MetadataStore;
  readonly quarantine: Quarantine;
}

/** The quarantine of a branch in the configuration API. */
export function quarantineOperations({ store, quarantine }: QuarantineOperationsOptions): BoundOperation[] {
  return [
    bindBranch(listQuarantine, {
      store,
      handle: async ({ branch, query: { afterId, limit } }) => {
        const all = quarantine.list(`${branchKeyText(branch)}/`);
        const files = all.filter(({ file }) => file > afterId).slice(0, limit);
        return { ...branch, page: { limit, totalCount: all.length, afterId, lastId: files.at(-1)?.file ?? '' }, files };
      },
    }),
    bindBranch(retryQuarantinedFile, { store, handle: async ({ branch, body }) => quarantine.retry(keyWithin(branch, body?.file)) }),
    bindBranch(discardQuarantinedFile, { store, handle: async ({ branch, body }) => quarantine.discard(keyWithin(branch, body?.file)) }),
  ];
}

/** Files of other branches are not there for this one. */
function keyWithin(branch: BranchKey, key = ''): string {
  if (key.startsWith(`${branchKeyText(branch)}/`)) return key;
  throw new AppError('quarantinedFileNotFound', `There is no file "${key}" in the quarantine of the branch.`);
}
