import type { Operation } from '@sluice/contract/operation';
import type { Principal } from '../accounts/principal.ts';

/** A request as an operation gets it from the HTTP server: nothing is parsed yet. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  /** First value of each query parameter. */
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  /** Undefined where the request has none. */
  readonly body: Buffer | undefined;
  readonly rawHeaders: readonly string[];
  readonly clientIp: string;
  readonly token: string | undefined;
}

/** An operation of the contract together with what executes it. */
export interface BoundOperation {
  readonly operation: Operation;
  /** Decodes and validates everything that needs no look-up; throws an `AppError` of the caller's kind. */
  prepare(request: RawRequest): PreparedCall;
}

/** Executes: `authorize` is called first, unless the operation is public. The answer's JSON value. */
type PreparedCall = (authorize: () => Promise<Principal>) => Promise<unknown>;
