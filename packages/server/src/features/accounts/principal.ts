/*
 * Accounts: who calls, what they may do, and the secrets of sources.
 * A token stands for a principal; `TokenVerifier` finds it, `LocalTokens` keeps tokens of our own as hashes.
 * Sources have secrets instead of tokens; `SecretVault` makes, hides and compares them.
 */

/** What a token may do: `read` everything of its project, `admin` also write, `super` also change protected settings. */
export type Role = 'read' | 'admin' | 'super';

export const roles = ['read', 'admin', 'super'] as const satisfies readonly Role[];

/** Who calls: what a token stands for. Project and branch come from here, never from a URL. */
export interface Principal {
  readonly projectId: number;
  /** The default branch of the project, the only one that the API accepts. */
  readonly branchId: number;
  readonly tokenId: string;
  readonly description: string;
  readonly role: Role;
  /** The person behind the token, where the verifier knows one. */
  readonly user?: { readonly id: string; readonly name: string };
}

export const mayWrite = ({ role }: Principal): boolean => role !== 'read';
