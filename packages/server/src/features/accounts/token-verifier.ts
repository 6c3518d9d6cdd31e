import type { Principal } from './principal.ts';

/**
 * Port: who stands behind a token.
 *
 * A refusal is a value: an upstream system words it with a status and an error name of its own, and clients see them unchanged.
 * Errors: `metadataUnavailable`, or another `retry` error, where the answer cannot be found out.
 */
export interface TokenVerifier {
  /** @param projectHeader the request's `X-KBC-ProjectId`, which programmatic tokens need */
  verify(token: string, projectHeader?: string): Promise<TokenVerdict>;
}

export type TokenVerdict = { readonly accepted: true; readonly principal: Principal } | TokenRefusal;

export interface TokenRefusal {
  readonly accepted: false;
  readonly status: number;
  /** Full error name, for example `storage.tokenInvalid`. */
  readonly error: string;
  readonly message: string;
  readonly exceptionId?: string;
}

export const tokenInvalid: TokenRefusal = {
  accepted: false,
  status: 401,
  error: 'storage.tokenInvalid',
  message: 'Invalid access token.',
};

/** The token is known, but it is not one of a project administrator. */
export const masterTokenRequired: TokenRefusal = {
  accepted: false,
  status: 401,
  error: 'stream.api.masterTokenRequired',
  message: 'Please provide a master token of a project administrator.',
};
