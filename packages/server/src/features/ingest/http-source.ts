import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatByteSize } from '../../kernel/codec/byte-size.ts';
import { errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { RateLimitedLog } from '../../kernel/observe/rate-limited-log.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { IngestRecord } from '../mapping/record.ts';
import { answerError, answerHealth, answerMethodNotAllowed, answerOptions, answerResult } from './answer.ts';
import type { ByteBudget } from './byte-budget.ts';
import { answerClientError } from './client-error.ts';
import type { ClientIp } from './client-ip.ts';
import type { IngestMeter } from './ingest-metrics.ts';
import { readBody } from './request-body.ts';
import type { SinkRouter } from './sink-router.ts';
import type { SourceAuth } from './source-auth.ts';
import { isVerbose, parseStreamPath } from './stream-path.ts';
import { type SourceOutcome, summarizeOutcomes, type WriteResult } from './write-result.ts';

export interface HttpSourceOptions {
  readonly auth: SourceAuth;
  readonly router: SinkRouter;
  readonly clientIp: ClientIp;
  readonly bodies: ByteBudget;
  readonly settings: HttpSourceSettings;
  readonly meter: IngestMeter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For what clients can cause: they must not be able to fill the log. */
  readonly rejections: RateLimitedLog;
}

export interface HttpSourceSettings {
  readonly maxBodyBytes: number;
  /** Request line and all headers. */
  readonly maxHeaderBytes: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

/**
 * Ingest: events over HTTP, safe on disk before the client hears OK.
 *
 * - `source-auth.ts` finds the source by its secret before a byte of the body is read.
 * - `request-body.ts` reads the body within its bounds; `mapping` renders it for every sink.
 * - `sink-router.ts`, `sink-stream.ts` bring the rows to the writer and wait until they are durable (I1).
 * - `write-result.ts`, `answer.ts` say what became of them (I5).
 */
export function createHttpSource(options: HttpSourceOptions): Server {
  const { settings } = options;
  const server = createServer({
    maxHeaderSize: settings.maxHeaderBytes,
    headersTimeout: settings.headerTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    connectionsCheckingInterval: 1000,
    keepAlive: true,
    noDelay: true,
  });
  server.maxConnections = settings.maxConnections;
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    serve(options, request, response).catch((error: unknown) => fail(options, { response, error }));
  };
  server.on('request', (request, response) => {
    response.sendDate = false;
    handle(request, response);
  });
  // 100 is sent only to a client whose secret was right: see `readRecord`.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error, socket) => answerClientError(error, { socket, maxHeaderBytes: settings.maxHeaderBytes }));
  return server;
}

async function serve(options: HttpSourceOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  const path = parseStreamPath(url);
  if (path.type === 'unknown') {
    return refuse(options, response, { code: 'routeNotFound', message: 'not found, please send data using POST /stream/<projectID>/<sourceID>/<secret>' });
  }
  if (path.type === 'health') return request.method === 'GET' ? answerHealth(response) : answerOther(request, response, 'GET, OPTIONS');
  if (request.method === 'OPTIONS') return answerOptions(response);
  if (request.method !== 'POST') return answerMethodNotAllowed(response, 'OPTIONS, POST');
  const source = { project: path.project.slice(0, 20), source: path.sourceId.slice(0, 48) };
  if (!/^[+-]?\d{1,15}$/.test(path.project)) {
    return refuse(options, response, { code: 'badRequest', message: `invalid project ID "${path.project.slice(0, 100)}".` });
  }
  const pending = options.auth.match(Number(path.project), path.sourceId, path.secret);
  const match = pending instanceof Promise ? await pending : pending;
  if (match.type === 'notFound') {
    const message = 'the specified combination of projectID, sourceID and secret was not found.';
    return refuse(options, response, { code: 'noSourceFound', message, source });
  }
  if (match.type === 'disabled') {
    return refuse(options, response, { code: 'disabledSource', message: 'the specified source is disabled in all branches.', source });
  }
  if (request.headers.expect !== undefined) response.writeContinue();
  const read = await readBody(request, { maxBytes: options.settings.maxBodyBytes, budget: options.bodies });
  switch (read.type) {
    case 'aborted':
      return;
    case 'tooLarge': {
      const message = `request body size is over the maximum "${formatByteSize(options.settings.maxBodyBytes)}".`;
      return refuse(options, response, { code: 'bodyTooLarge', message, source, close: true });
    }
    case 'overloaded':
      return refuse(options, response, { code: 'overloaded', message: 'the node holds as many requests as it may; try again', source, close: true });
    case 'body':
      break;
  }
  try {
    const record = new IngestRecord({
      receivedAt: options.clock.now(),
      clientIp: options.clientIp(request.socket.remoteAddress, request.rawHeaders),
      rawHeaders: request.rawHeaders,
      body: read.body,
    });
    // All branches together: a fault in one of them refuses the request in all.
    const routed = await options.router.route(
      record,
      match.sources.flatMap((view) => view.sinks),
    );
    const outcomes = match.sources.map(({ source, sinks }) => ({ source, sinks: routed.filter(({ sink }) => sinks.includes(sink)) }));
    finish(options, response, { outcomes, source, verbose: isVerbose(url), bytes: read.body.length });
  } finally {
    read.release();
  }
}

interface Finish {
  readonly outcomes: readonly SourceOutcome[];
  readonly source: LoggedSource;
  readonly verbose: boolean;
  readonly bytes: number;
}

interface LoggedSource {
  readonly project: string;
  readonly source: string;
}

function finish(options: HttpSourceOptions, response: ServerResponse, { outcomes, source, verbose, bytes }: Finish): void {
  const result = summarizeOutcomes(outcomes);
  options.meter.answered(result.status, bytes);
  if (result.status !== 200) logFailure(options, { source, outcomes, result });
  else if (result.stored === 'none') {
    options.meter.withoutSink();
    options.rejections.warn({
      key: `no-sink/${source.project}/${source.source}`,
      fields: { ...source },
      message: 'a record was dropped: its source has no enabled sink',
    });
  }
  answerResult(response, result, verbose);
}

function logFailure(
  options: HttpSourceOptions,
  { source, outcomes, result }: { source: LoggedSource; outcomes: readonly SourceOutcome[]; result: WriteResult },
): void {
  const sinks = outcomes.flatMap((entry) => entry.sinks).flatMap(({ sink, outcome }) => (outcome.type === 'stored' ? [] : [`${sink.sinkId}: ${reasonOf(outcome)}`]));
  const fields = { ...source, status: result.status, sinks: sinks.slice(0, 10) };
  options.rejections.warn({
    key: `write/${source.project}/${source.source}/${result.status}`,
    fields,
    message: 'a record was not stored in all sinks',
  });
}

function reasonOf(outcome: SourceOutcome['sinks'][number]['outcome']): string {
  if (outcome.type === 'fault') return outcome.fault.reason.slice(0, 200);
  return 'reason' in outcome ? outcome.reason.slice(0, 200) : outcome.type;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly source?: LoggedSource;
  readonly close?: boolean;
}

function refuse(options: HttpSourceOptions, response: ServerResponse, { code, message, source, close = false }: Refusal): void {
  const exceptionId = answerError(response, { code, message, close });
  options.meter.answered(response.statusCode, 0);
  options.rejections.warn({
    key: `${code}/${source?.project}/${source?.source}`,
    fields: { ...source, code, ...(exceptionId && { exceptionId }) },
    message: 'a request was rejected',
  });
}

function fail(options: HttpSourceOptions, { response, error }: { response: ServerResponse; error: unknown }): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const code = isAppError(error) ? error.code : 'internalError';
  const message = isAppError(error) && error.disposition !== 'bug' ? error.message : 'application error: please report it with the exception id';
  const exceptionId = answerError(response, { code, message, close: true });
  options.meter.answered(response.statusCode, 0);
  options.logger.error({ code, error: errorText(error), exceptionId }, 'a request failed');
}

function answerOther(request: IncomingMessage, response: ServerResponse, allow: string): void {
  if (request.method === 'OPTIONS') {
    response.writeHead(200, ['Allow', allow, 'Content-Length', '0']);
    response.end();
  } else answerMethodNotAllowed(response, allow);
}
