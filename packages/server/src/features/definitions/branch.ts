import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Principal } from '../accounts/principal.ts';
import { activeBranchKey, branchSchema } from './definition-codec.ts';
import { type BranchKey, definitionPrefix } from './keys.ts';

const maxBranches = 100;

/**
 * The branch that a path names by number or by the word `default`; only the default branch of the token's project is accepted.
 * Its record is made at the first use. `badRequest`, or `branchCountLimitReached` where the project has 100 already.
 */
export async function resolveBranch(store: MetadataStore, principal: Principal, given: string): Promise<BranchKey> {
  const { projectId, branchId } = principal;
  if (given !== 'default' && !/^[+-]?\d{1,15}$/.test(given)) {
    throw new AppError('badRequest', `Invalid branch: expected "default" or <int>, given "${given}".`);
  }
  if (given !== 'default' && Number(given) !== branchId) {
    throw new AppError('badRequest', `Currently only default branch is supported, branch "${Number(given)}" is not default.`);
  }
  const branch = { projectId, branchId };
  await ensureBranch(store, branch);
  return branch;
}

async function ensureBranch(store: MetadataStore, branch: BranchKey): Promise<void> {
  const key = activeBranchKey(branch);
  if ((await store.get(key)) !== undefined) return;
  if ((await store.count(`${definitionPrefix.activeBranch}${branch.projectId}/`)) >= maxBranches) {
    throw new AppError('branchCountLimitReached', `Branch count limit reached in the project, the maximum is ${maxBranches}.`);
  }
  const record = branchSchema.parse({ ...branch, isDefault: true });
  // Not committed means that another request made the same record.
  await store.transact({ checks: [{ key, modRevision: 0 }], writes: [{ type: 'put', key, value: JSON.stringify(record) }] });
}
