import { z } from 'zod';
import { type Principal, roles } from './principal.ts';

export const tokenPrefix = 'account/token/';
export const tokenKey = (tokenId: string): string => tokenPrefix + tokenId;

/** A local token as stored under `account/token/<tokenId>`: its hash only, never the token. */
export const localTokenSchema = z.object({
  tokenId: z.string(),
  projectId: z.int().min(1),
  branchId: z.int().min(1),
  role: z.enum(roles),
  description: z.string(),
  createdAt: z.string(),
  /** SHA-256 of the token, hex. A token holds 285 random bits, so a slow hash would add nothing. */
  hash: z.string(),
});
export type LocalToken = z.infer<typeof localTokenSchema>;

export function principalOf({ projectId, branchId, tokenId, description, role }: LocalToken): Principal {
  return { projectId, branchId, tokenId, description, role };
}

/** Token text is `<tokenId>-<48 random characters>`, so that it is found by one read and compared by hash. */
export const tokenText = (tokenId: string, secret: string): string => `${tokenId}-${secret}`;

/** Undefined where the text cannot be a local token. */
export function tokenIdOf(token: string): string | undefined {
  return /^([0-9a-zA-Z]{1,40})-[0-9a-zA-Z]{48}$/.exec(token)?.[1];
}
