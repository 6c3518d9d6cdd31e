import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import { mayWrite } from '../accounts/principal.ts';
import { requestToken } from '../accounts/request-token.ts';
import { masterTokenRequired, type TokenRefusal, type TokenVerifier } from '../accounts/token-verifier.ts';
import type { DefinitionMirror } from '../definitions/definition-mirror.ts';
import type { IngestSource } from '../definitions/ingest-source.ts';

export type DataMatch =
  | { readonly type: 'matched'; readonly source: IngestSource }
  | {
      readonly type: 'refused';
      readonly code: ErrorCode;
      /** Lower case, no full stop. */
      readonly message: string;
      /** Status and name, where they are those of who knows the tokens. */
      readonly upstream?: TokenRefusal;
    };

interface DataAuthDeps {
  readonly verifier: TokenVerifier;
  readonly definitions: Pick<DefinitionMirror, 'lookup' | 'ofProject'>;
}

interface DataTarget {
  readonly headers: IncomingHttpHeaders;
  /** Of the parameter `source`. */
  readonly named: string | undefined;
}

/** Finds the source of a request that comes with a token instead of a source's secret. The token's project is the only one it opens. */
export class DataAuth {
  readonly #deps: DataAuthDeps;

  constructor(deps: DataAuthDeps) {
    this.#deps = deps;
  }

  /** `metadataUnavailable`, `storageApiUnavailable`, `overloaded`. */
  async match({ headers, named }: DataTarget): Promise<DataMatch> {
    const token = requestToken(headers);
    if (token === undefined)
      return refused('tokenInvalid', 'the header "X-StorageApi-Token" is missing: send it with a token of the project');
    const verdict = await this.#deps.verifier.verify(token);
    if (verdict === masterTokenRequired) return refused('masterTokenRequired', 'please provide a master token of a project administrator');
    if (!verdict.accepted) return { ...refused('tokenInvalid', verdict.message), upstream: verdict };
    const { principal } = verdict;
    if (!mayWrite(principal)) return refused('forbidden', 'the token may only read: send data with a token whose role is admin');
    const { projectId } = principal;
    return named === undefined ? this.#only(projectId) : this.#named(named, { projectId, defaultBranch: principal.branchId });
  }

  #only(projectId: number): DataMatch {
    const [source, ...more] = this.#deps.definitions.ofProject(projectId);
    if (source === undefined) return refused('badRequest', 'the project has no source: create one, then send the data again');
    if (more.length === 0) return admitted(source);
    const { branchId, sourceId } = source.source;
    const example = `?source=${branchId}/${sourceId}`;
    return refused('badRequest', `the project has ${more.length + 1} sources: name one of them, for example ${example}`);
  }

  async #named(named: string, { projectId, defaultBranch }: { projectId: number; defaultBranch: number }): Promise<DataMatch> {
    const { branch, sourceId } = /^(?<branch>\d{1,15}|default)\/(?<sourceId>[^/]+)$/.exec(named)?.groups ?? {};
    if (branch === undefined || sourceId === undefined)
      return refused('badRequest', 'the parameter "source" must be <branch>/<source>, for example ?source=default/web-shop');
    const branchId = branch === 'default' ? defaultBranch : Number(branch);
    const branches = await this.#deps.definitions.lookup(projectId, sourceId);
    const found = branches.find(({ source }) => source.branchId === branchId);
    if (found === undefined) return refused('sourceNotFound', `source "${sourceId}" not found in the branch ${branchId} of the project`);
    return admitted(found);
  }
}

const refused = (code: ErrorCode, message: string): DataMatch & { type: 'refused' } => ({ type: 'refused', code, message });

const admitted = (source: IngestSource): DataMatch =>
  source.source.disabled === undefined ? { type: 'matched', source } : refused('disabledSource', 'the specified source is disabled');
