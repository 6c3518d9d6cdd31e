import { createHash } from 'node:crypto';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { Semaphore } from '../../kernel/async/semaphore.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { principalOf, tokenIdOf, tokenKey, tokenPrefix } from './local-token.ts';
import type { LocalTokens } from './local-tokens.ts';
import type { Principal } from './principal.ts';
import { type TokenVerdict, type TokenVerifier, tokenInvalid } from './token-verifier.ts';

interface LocalTokenVerifierDeps {
  readonly tokens: LocalTokens;
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Remembered {
  readonly tokenHash: string;
  readonly principal: Principal;
  readonly until: number;
}

const maxAgeMs = 60_000;
const maxRemembered = 1000;
/** Reads of the store at a time, and callers that wait for one: guessed tokens must not become load on the store. */
const reads = { permits: 8, maxWaiting: 500 };

/**
 * Verifies local tokens and remembers accepted ones for a minute at most; refusals are never remembered.
 * Further callers than may read or wait get `overloaded`.
 * While `run` follows the store, a changed or revoked token is forgotten at once; without it nothing is remembered.
 */
export class LocalTokenVerifier implements TokenVerifier {
  readonly #deps: LocalTokenVerifierDeps;
  readonly #remembered = new Map<string, Remembered>();
  readonly #gate = new Semaphore(reads);
  #state: 'following' | 'apart' = 'apart';
  /** Grows when anything is forgotten, so that a read that began before is not remembered after. */
  #epoch = 0;

  constructor(deps: LocalTokenVerifierDeps) {
    this.#deps = deps;
  }

  async verify(token: string): Promise<TokenVerdict> {
    const tokenId = tokenIdOf(token);
    if (tokenId === undefined) return tokenInvalid;
    const tokenHash = createHash('sha256').update(token).digest('base64');
    const known = this.#remembered.get(tokenId);
    if (known !== undefined && known.tokenHash === tokenHash && known.until > this.#deps.clock.monotonic()) {
      return { accepted: true, principal: known.principal };
    }
    using _ = await this.#gate.acquire();
    const epoch = this.#epoch;
    const record = await this.#deps.tokens.find(token);
    if (record === undefined) return tokenInvalid;
    const principal = principalOf(record);
    if (this.#state === 'following' && epoch === this.#epoch) this.#remember(tokenId, { tokenHash, principal });
    return { accepted: true, principal };
  }

  /** Follows changes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 5000, clock: this.#deps.clock });
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        this.#deps.logger.warn({ error: errorText(error) }, 'tokens are not followed, each request reads the store');
      }
      this.#forgetAll();
      if (!signal.aborted) await sleep(backoff.next(), signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store } = this.#deps;
    const batches = store.watch({ prefix: tokenPrefix, fromRevision: (await store.revision()) + 1, signal });
    this.#state = 'following';
    for await (const { events } of batches) {
      for (const event of events) this.#forget(event.type === 'put' ? event.entry.key : event.key);
    }
  }

  #remember(tokenId: string, entry: Omit<Remembered, 'until'>): void {
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size >= maxRemembered && !oldest.done) this.#remembered.delete(oldest.value);
    this.#remembered.set(tokenId, { ...entry, until: this.#deps.clock.monotonic() + maxAgeMs });
  }

  #forget(key: string): void {
    this.#epoch += 1;
    for (const tokenId of this.#remembered.keys()) if (tokenKey(tokenId) === key) this.#remembered.delete(tokenId);
  }

  #forgetAll(): void {
    this.#state = 'apart';
    this.#epoch += 1;
    this.#remembered.clear();
  }
}
