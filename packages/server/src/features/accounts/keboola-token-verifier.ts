import { createHash } from 'node:crypto';
import { Semaphore } from '../../kernel/async/semaphore.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { Principal } from './principal.ts';
import { type StorageApi, type StorageToken, unavailable } from './storage-api.ts';
import { masterTokenRequired, type TokenRefusal, type TokenVerdict, type TokenVerifier, tokenInvalid } from './token-verifier.ts';

interface KeboolaTokenVerifierDeps {
  readonly api: Pick<StorageApi, 'tokenDetail' | 'defaultBranch'>;
  readonly clock: Clock;
  /** For the whole of one verification, with the wait for its turn. 10,000 by default. */
  readonly timeoutMs?: number;
}

const maxAgeMs = 60_000;
const maxRemembered = 1000;
/** Verifications at a time, and those that wait for one: guessed tokens must not become load on the Storage API. */
const turns = { permits: 16, maxWaiting: 500 };
/** What a header may carry; anything else is no token, and is not sent anywhere. */
const tokenText = /^[\x21-\x7e]{1,1000}$/;

/**
 * Verifies tokens of a Keboola project by its Storage API. Only master tokens are accepted; an admin's role `admin` may write,
 * every other one reads. Accepted tokens are remembered by their hash, for a minute from the question on; refusals are not remembered.
 * Errors: `storageApiUnavailable`, `overloaded`.
 */
export class KeboolaTokenVerifier implements TokenVerifier {
  readonly #deps: KeboolaTokenVerifierDeps;
  /** By hash of the token, oldest first. */
  readonly #remembered = new Map<string, { readonly principal: Principal; readonly until: number }>();
  /** Verifications under way: a token is asked for once at a time. */
  readonly #asked = new Map<string, Promise<TokenVerdict>>();
  readonly #gate = new Semaphore(turns);

  constructor(deps: KeboolaTokenVerifierDeps) {
    this.#deps = deps;
  }

  async verify(token: string, projectHeader?: string): Promise<TokenVerdict> {
    if (isProgrammatic(token)) return programmaticRefusal(projectHeader);
    if (!tokenText.test(token)) return tokenInvalid;
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#remembered.get(hash);
    if (known !== undefined && known.until > this.#deps.clock.monotonic()) return { accepted: true, principal: known.principal };
    const asked = this.#asked.get(hash) ?? this.#ask(hash, token);
    return asked;
  }

  #ask(hash: string, token: string): Promise<TokenVerdict> {
    const until = this.#deps.clock.monotonic() + maxAgeMs;
    const verdict = this.#verdict(token)
      .then((answer) => {
        if (answer.accepted) this.#remember(hash, { principal: answer.principal, until });
        return answer;
      })
      .finally(() => this.#asked.delete(hash));
    this.#asked.set(hash, verdict);
    return verdict;
  }

  async #verdict(token: string): Promise<TokenVerdict> {
    const { api, timeoutMs = 10_000 } = this.#deps;
    const signal = AbortSignal.timeout(timeoutMs);
    using _ = await this.#turn(signal);
    const detail = await api.tokenDetail({ token, signal });
    if (!detail.accepted) return detail;
    if (!detail.value.isMasterToken) return masterTokenRequired;
    const branch = await api.defaultBranch({ token, signal });
    if (!branch.accepted) return branch;
    return { accepted: true, principal: principalOf(detail.value, branch.value) };
  }

  async #turn(signal: AbortSignal): Promise<Disposable> {
    try {
      return await this.#gate.acquire(signal);
    } catch (error) {
      throw signal.aborted ? unavailable('too many others wait for it') : error;
    }
  }

  #remember(hash: string, entry: { readonly principal: Principal; readonly until: number }): void {
    this.#remembered.delete(hash);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size >= maxRemembered && !oldest.done) this.#remembered.delete(oldest.value);
    this.#remembered.set(hash, entry);
  }
}

function principalOf({ id, description, owner, admin }: StorageToken, branchId: number): Principal {
  return {
    projectId: owner.id,
    branchId,
    tokenId: id,
    description: description ?? '',
    role: admin?.role === 'admin' ? 'admin' : 'read',
    ...(admin && { user: { id: admin.id, name: admin.name } }),
  };
}

const isProgrammatic = (token: string): boolean => /^kbc_p?at_/.test(token);

/** They would have to be exchanged inside of the stack, which this service cannot. */
function programmaticRefusal(projectHeader = ''): TokenRefusal {
  const message = /^[1-9]\d{0,14}$/.test(projectHeader)
    ? 'Programmatic tokens cannot be exchanged here, please send a Storage API token.'
    : 'Programmatic token request missing valid X-KBC-ProjectId header.';
  return { accepted: false, status: 400, error: 'stream.api.internalError', message };
}
