import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteBudget } from '../../kernel/async/byte-budget.ts';
import { formatByteSize } from '../../kernel/codec/byte-size.ts';
import { isAppError } from '../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { tokenHeaders } from '../accounts/request-token.ts';
import type { TokenRefusal } from '../accounts/token-verifier.ts';
import { unwrapJson } from '../mapping/json-envelope.ts';
import { IngestRecord } from '../mapping/record.ts';
import { answerAllow, answerError, answerHealth, answerMethodNotAllowed, answerOk, answerPreflight, answerResult } from './answer.ts';
import type { ClientIp } from './client-ip.ts';
import type { DataAuth } from './data-auth.ts';
import type { IngestReport, KnownSource } from './ingest-report.ts';
import { isAnnouncedTooLarge, readBody } from './request-body.ts';
import type { SinkRouter } from './sink-router.ts';
import type { SourceAuth, SourceMatch } from './source-auth.ts';
import { bearerSecret, isVerbose, parseStreamPath, type StreamPath, sourceParameter } from './stream-path.ts';
import { isStoredEverywhere, type StoredMark, summarizeOutcomes } from './write-result.ts';

export interface StreamRequestOptions {
  readonly auth: SourceAuth;
  readonly dataAuth: DataAuth;
  readonly router: SinkRouter;
  readonly clientIp: ClientIp;
  readonly bodies: ByteBudget;
  readonly maxBodyBytes: number;
  /** Headers that no column shows, lower case. */
  readonly hiddenHeaders: ReadonlySet<string>;
  readonly report: IngestReport;
  readonly clock: Clock;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly source?: KnownSource;
  readonly close?: boolean;
  readonly upstream?: TokenRefusal | undefined;
}

/** One request of the HTTP source, from its headers to its answer. */
export class StreamRequest {
  readonly #options: StreamRequestOptions;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** What a failure from here on must say about the record. */
  #stored: StoredMark = 'none';

  constructor(options: StreamRequestOptions, request: IncomingMessage, response: ServerResponse) {
    this.#options = options;
    this.#request = request;
    this.#response = response;
  }

  /** Never rejects. `expectsContinue`: the client sends its body only after `100 Continue`. */
  async serve({ expectsContinue }: { readonly expectsContinue: boolean }): Promise<void> {
    try {
      const path = this.#route();
      const source = path && (await (path.type === 'data' ? this.#authenticateData() : this.#authenticate(path)));
      if (source) await this.#receive(source, expectsContinue);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The path of a record; every other request is answered. */
  #route(): (StreamPath & { type: 'stream' | 'data' }) | undefined {
    const { method, url = '/', headers, httpVersion } = this.#request;
    const response = this.#response;
    if (httpVersion === '1.1' && headers.host === undefined) {
      this.#refuse({ code: 'badRequest', message: 'the request has no Host header', close: true });
      return undefined;
    }
    const path = parseStreamPath(url);
    if (path.type === 'stream' && method === 'POST' && (path.secret !== undefined || headers.authorization !== undefined)) return path;
    if (path.type === 'data' && method === 'POST') return path;
    if (path.type === 'health') {
      if (method === 'GET') answerHealth(response);
      else if (method === 'OPTIONS') answerAllow(response, 'GET, OPTIONS');
      else answerMethodNotAllowed(response, 'GET, OPTIONS');
    } else if (path.type !== 'unknown' && method === 'OPTIONS') {
      answerPreflight(response, path.type === 'data' || path.secret === undefined ? 'Authorization, *' : '*');
    } else if (path.type === 'unknown' || (path.type === 'stream' && path.secret === undefined && headers.authorization === undefined)) {
      const message = 'not found, please send data using POST /stream/<projectID>/<sourceID>/<secret>';
      this.#refuse({ code: 'routeNotFound', message });
    } else answerMethodNotAllowed(response);
    return undefined;
  }

  /** Before a byte of the body is read. Undefined where the request was refused. */
  #authenticate({
    project,
    sourceId,
    secret,
  }: StreamPath & { type: 'stream' }): MatchedSource | undefined | Promise<MatchedSource | undefined> {
    if (!/^[+-]?\d{1,18}$/.test(project)) {
      this.#refuse({ code: 'badRequest', message: `invalid project ID "${project.slice(0, 100)}".` });
      return undefined;
    }
    const given = secret ?? bearerSecret(this.#request.headers.authorization ?? '');
    const match = this.#options.auth.match(Number(project), sourceId, given);
    const known: KnownSource = { project: Number(project), source: sourceId };
    return match instanceof Promise ? match.then((found) => this.#admit(found, known)) : this.#admit(match, known);
  }

  #admit(match: SourceMatch, known: KnownSource): MatchedSource | undefined {
    switch (match.type) {
      case 'matched':
        return { sources: match.sources, known, form: 'record' };
      case 'notFound': {
        const message = 'the specified combination of projectID, sourceID and secret was not found.';
        this.#refuse({ code: 'noSourceFound', message, ...(match.exists && { source: known }) });
        return undefined;
      }
      case 'disabled':
        this.#refuse({ code: 'disabledSource', message: 'the specified source is disabled in all branches.', source: known });
        return undefined;
    }
  }

  async #authenticateData(): Promise<MatchedSource | undefined> {
    const { headers, url = '/' } = this.#request;
    const match = await this.#options.dataAuth.match({ headers, named: sourceParameter(url) });
    if (match.type === 'refused') {
      this.#refuse(match);
      return undefined;
    }
    const { projectId, sourceId } = match.source.source;
    return { sources: [match.source], known: { project: projectId, source: sourceId }, form: 'envelope' };
  }

  async #receive(matched: MatchedSource, expectsContinue: boolean): Promise<void> {
    const { maxBodyBytes: maxBytes, bodies: budget } = this.#options;
    const { known: source } = matched;
    const request = this.#request;
    if (expectsContinue && !isAnnouncedTooLarge(request, maxBytes)) this.#response.writeContinue();
    const read = await readBody(request, { maxBytes, budget });
    switch (read.type) {
      case 'aborted':
        return;
      case 'tooLarge': {
        const message = `request body size is over the maximum "${formatByteSize(maxBytes)}".`;
        return this.#refuse({ code: 'bodyTooLarge', message, source, close: true });
      }
      case 'overloaded':
        return this.#refuse({ code: 'overloaded', message: 'the node holds as many requests as it may; try again', source, close: true });
      case 'undecodable':
        return this.#refuse({ code: read.code, message: read.reason, source });
      case 'body':
        break;
    }
    try {
      const content = matched.form === 'envelope' ? unwrapJson(read.body, 'data') : { ok: true as const, content: read.body };
      if (content.ok) await this.#store(content.content, matched);
      else this.#refuse({ code: 'badRequest', message: content.reason, source });
    } finally {
      read.release();
    }
  }

  async #store(body: Buffer, { sources, known: source, form }: MatchedSource): Promise<void> {
    const { clock, clientIp, hiddenHeaders, router, report } = this.#options;
    const { socket, rawHeaders, url = '/' } = this.#request;
    const record = new IngestRecord({
      receivedAt: clock.now(),
      clientIp: clientIp(socket.remoteAddress, rawHeaders),
      rawHeaders,
      body,
      // A token is shown nowhere, whatever the settings say.
      ...(form === 'envelope' ? { hiddenHeaders: hiddenHeaders.union(tokenHeaders), contentType: 'application/json' } : { hiddenHeaders }),
    });
    const bytes = body.length;
    this.#stored = 'unknown';
    // All branches together: a fault in one of them refuses the request in all.
    const routed = await router.route(
      record,
      sources.flatMap(({ sinks }) => sinks),
    );
    const verbose = isVerbose(url);
    if (!verbose && isStoredEverywhere(routed)) {
      answerOk(this.#response);
      report.stored(bytes);
      return;
    }
    const outcomes = sources.map((view) => ({ source: view.source, sinks: routed.filter(({ sink }) => view.sinks.includes(sink)) }));
    const result = summarizeOutcomes(outcomes);
    answerResult(this.#response, result, verbose);
    report.answered(result, { source, outcomes, bytes });
  }

  #refuse({ code, message, source, close = false, upstream }: Refusal): void {
    const exceptionId = answerError(this.#response, { code, message, close, upstream });
    this.#options.report.rejected({ code, status: this.#response.statusCode, source, exceptionId });
  }

  #fail(error: unknown): void {
    const response = this.#response;
    const { report } = this.#options;
    if (response.headersSent || response.destroyed) {
      report.failed(error, { code: 'internalError', status: response.statusCode });
      response.destroy();
      return;
    }
    const code = isAppError(error) ? error.code : 'internalError';
    const isOurs = !isAppError(error) || error.disposition === 'bug';
    const message = isOurs ? 'application error: please report it with the exception id' : error.message;
    const exceptionId = answerError(response, { code, message, close: true, stored: this.#stored });
    const rejection = { code, status: response.statusCode, exceptionId };
    if (isOurs) report.failed(error, rejection);
    else report.rejected(rejection);
  }
}

interface MatchedSource extends Pick<SourceMatch & { type: 'matched' }, 'sources'> {
  readonly known: KnownSource;
  /** The body is the record, or holds it as its member `data`. */
  readonly form: 'record' | 'envelope';
}
