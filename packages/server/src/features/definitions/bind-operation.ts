import type { Operation } from '@sluice/contract/operation';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { mayWrite, type Principal } from '../accounts/principal.ts';
import { type DecodedRequest, decodeRequest } from './api/decode-request.ts';
import type { BoundOperation, RawRequest } from './bound-operation.ts';
import { resolveBranch } from './branch.ts';
import type { BranchKey } from './keys.ts';

/** A request that passed all checks that need no entity. */
export interface Call<Params, Query, Body> extends DecodedRequest<Params, Query, Body | undefined> {
  readonly principal: Principal;
  readonly request: RawRequest;
}

export interface BranchCall<Params, Query, Body> extends Call<Params, Query, Body> {
  readonly branch: BranchKey;
}

/** An operation that needs no token. */
export function bindPublic<Answer>(operation: Operation<unknown, unknown, unknown, Answer>, handle: () => Promise<Answer>): BoundOperation {
  return {
    operation,
    prepare: (request) => {
      decodeRequest(operation, request);
      return handle;
    },
  };
}

/** An operation within the project of the token. */
export function bindProject<Params, Query, Body, Answer>(
  operation: Operation<Params, Query, Body, Answer>,
  handle: (call: Call<Params, Query, Body>) => Promise<Answer>,
): BoundOperation {
  return {
    operation,
    prepare: (request) => {
      const decoded = decodeRequest(operation, request);
      return async (authorize) => {
        const principal = await authorize();
        assertAllowed(operation, principal);
        return handle({ ...decoded, principal, request });
      };
    },
  };
}

/** An operation below a branch; the branch is resolved before the role is judged. */
export function bindBranch<Params extends { readonly branchId: string }, Query, Body, Answer>(
  operation: Operation<Params, Query, Body, Answer>,
  { store, handle }: { readonly store: MetadataStore; readonly handle: (call: BranchCall<Params, Query, Body>) => Promise<Answer> },
): BoundOperation {
  return {
    operation,
    prepare: (request) => {
      const decoded = decodeRequest(operation, request);
      return async (authorize) => {
        const principal = await authorize();
        const branch = await resolveBranch(store, principal, decoded.params.branchId);
        assertAllowed(operation, principal);
        return handle({ ...decoded, principal, branch, request });
      };
    },
  };
}

function assertAllowed({ access }: Pick<Operation, 'access'>, principal: Principal): void {
  if (access === 'write' && !mayWrite(principal)) throw new AppError('forbidden', 'Only admin token can do write operations on streams.');
}
