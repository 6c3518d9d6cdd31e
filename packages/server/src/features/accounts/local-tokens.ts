import { createHash, timingSafeEqual } from 'node:crypto';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { utcTime } from '../../kernel/codec/utc-time.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { type LocalToken, localTokenSchema, tokenIdOf, tokenKey, tokenPrefix, tokenText } from './local-token.ts';
import type { Role } from './principal.ts';

interface LocalTokensDeps {
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly randomId: (length: number) => string;
}

export interface NewToken {
  readonly role: Role;
  readonly description?: string;
  /** 1 by default. */
  readonly projectId?: number;
  /** Default branch of the project, 1 by default. */
  readonly branchId?: number;
}

/** What may be shown of a token after its creation. */
export type TokenDetail = Omit<LocalToken, 'hash'>;

const idLength = 10;
const secretLength = 48;
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Tokens kept by this service itself. Losing one means making another: the store has only hashes. */
export class LocalTokens {
  readonly #deps: LocalTokensDeps;

  constructor(deps: LocalTokensDeps) {
    this.#deps = deps;
  }

  /** The token text is returned here and never again. */
  async create({ role, description = '', projectId = 1, branchId = 1 }: NewToken): Promise<{ token: string; detail: TokenDetail }> {
    const { store, clock, randomId } = this.#deps;
    const tokenId = randomId(idLength);
    const token = tokenText(tokenId, randomId(secretLength));
    const detail = { tokenId, projectId, branchId, role, description, createdAt: utcTime(clock.now()) };
    const record = localTokenSchema.parse({ ...detail, hash: hashOf(token) });
    const key = tokenKey(tokenId);
    const { committed } = await store.transact({
      checks: [{ key, modRevision: 0 }],
      writes: [{ type: 'put', key, value: JSON.stringify(record) }],
    });
    if (!committed) throw new AppError('transactionConflict', `The token id "${tokenId}" is taken; create the token again.`);
    return { token, detail };
  }

  /** All tokens in order of their ids. */
  async list(): Promise<TokenDetail[]> {
    const details: TokenDetail[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await this.#deps.store.range({ prefix: tokenPrefix, limit: 1000, ...(after !== undefined && { after }) });
      for (const entry of page.entries) {
        const { hash: _, ...detail } = localTokenSchema.parse(JSON.parse(entry.value));
        details.push(detail);
        after = entry.key;
      }
      if (!page.more) return details;
    }
  }

  /** False where there is no such token. Other processes refuse it as soon as they see the change. */
  async revoke(tokenId: string): Promise<boolean> {
    const key = tokenKey(tokenId);
    const entry = await this.#deps.store.get(key);
    if (entry === undefined) return false;
    const { committed } = await this.#deps.store.transact({
      checks: [{ key, modRevision: entry.modRevision }],
      writes: [{ type: 'delete', key }],
    });
    return committed;
  }

  /** The token's record, or undefined where it is unknown or revoked. */
  async find(token: string): Promise<LocalToken | undefined> {
    const tokenId = tokenIdOf(token);
    const entry = tokenId === undefined ? undefined : await this.#deps.store.get(tokenKey(tokenId));
    if (entry === undefined) return undefined;
    const record = localTokenSchema.parse(JSON.parse(entry.value));
    const equal = timingSafeEqual(Buffer.from(record.hash, 'hex'), Buffer.from(hashOf(token), 'hex'));
    return equal ? record : undefined;
  }
}
