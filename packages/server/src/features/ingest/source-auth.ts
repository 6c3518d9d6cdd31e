import { timingSafeEqual } from 'node:crypto';
import type { SecretVault } from '../accounts/secret-vault.ts';
import type { DefinitionMirror } from '../definitions/definition-mirror.ts';
import type { IngestSource } from '../definitions/ingest-source.ts';
import type { Source } from '../definitions/source.ts';

export type SourceMatch =
  | { readonly type: 'matched'; readonly sources: readonly IngestSource[] }
  /** Unknown project or source, or wrong secret: one answer for all, so that secrets cannot be probed. `exists` is for the log. */
  | { readonly type: 'notFound'; readonly exists: boolean }
  /** The secret is right, and the source is disabled wherever it is. */
  | { readonly type: 'disabled' };

type Definitions = Pick<DefinitionMirror, 'sources' | 'lookup'>;
type Vault = Pick<SecretVault, 'secretMatches'>;

/** Finds the enabled sources, one for each branch, that the secret opens. Reads metadata only for ids that this node does not know. */
export class SourceAuth {
  readonly #definitions: Definitions;
  readonly #vault: Vault;
  /**
   * Secrets that opened their source once: the keyed hash costs more than the parsing of a usual body. By source object,
   * so that one whose secret was changed is not opened by the old one.
   */
  readonly #proven = new WeakMap<Source, Buffer>();

  constructor(definitions: Definitions, vault: Vault) {
    this.#definitions = definitions;
    this.#vault = vault;
  }

  /** `metadataUnavailable`, `overloaded`. */
  match(projectId: number, sourceId: string, secret: string): SourceMatch | Promise<SourceMatch> {
    const known = this.#definitions.sources(projectId, sourceId);
    if (known.length > 0) return this.#judge(known, secret);
    return this.#definitions.lookup(projectId, sourceId).then((found) => this.#judge(found, secret));
  }

  #judge(candidates: readonly IngestSource[], secret: string): SourceMatch {
    const given = Buffer.from(secret);
    const opened = candidates.filter(({ source }) => this.#opens(source, given));
    if (opened.length === 0) return { type: 'notFound', exists: candidates.length > 0 };
    const sources = opened.filter(({ source }) => source.disabled === undefined);
    return sources.length > 0 ? { type: 'matched', sources } : { type: 'disabled' };
  }

  #opens(source: Source, given: Buffer): boolean {
    const proven = this.#proven.get(source);
    if (proven !== undefined && proven.length === given.length && timingSafeEqual(proven, given)) return true;
    const isRight = this.#vault.secretMatches(source.secret.hash, given);
    if (isRight) this.#proven.set(source, given);
    return isRight;
  }
}
