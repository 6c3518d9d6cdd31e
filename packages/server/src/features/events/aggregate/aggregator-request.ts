import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { AggregatorMeter } from '../aggregator-metrics.ts';
import {
  answerDisabled,
  answerFault,
  answerHealth,
  answerMade,
  answerMethodNotAllowed,
  answerNotFound,
  answerProblems,
  beginStream,
} from './aggregator-answer.ts';
import type { LiveStreams } from './live-streams.ts';
import type { MadeAnswer } from './series-answer.ts';
import type { SeriesApi } from './series-api.ts';
import {
  type ParsedQuery,
  parseLiveQuery,
  parseSeriesQuery,
  parseWindowQuery,
  type SeriesDefaults,
  type WindowQuery,
} from './series-query.ts';

/** What answers are made of. */
export interface AggregatorSources {
  readonly defaults: SeriesDefaults;
  readonly api: SeriesApi;
  readonly streams: LiveStreams;
  readonly summary: (query: WindowQuery) => Promise<MadeAnswer>;
  readonly compare: (query: WindowQuery) => Promise<MadeAnswer>;
}

export interface AggregatorRequestOptions {
  /** `disabled`: requests are answered, and nothing is read. */
  readonly sources: AggregatorSources | 'disabled';
  readonly meter: AggregatorMeter;
  readonly clock: Clock;
  readonly logger: Logger;
}

const healthPaths = new Set(['/', '/healthz', '/health-check']);
const apiPaths = new Set(['/api', '/api/stream', '/api/summary', '/api/compare']);

/** Answers one request of the aggregator, or begins its stream. Never rejects. */
export async function serveAggregator(
  options: AggregatorRequestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  // Its client may go at any moment.
  response.on('error', () => {});
  try {
    await route(options, request, response);
  } catch (error) {
    const isExpected = isAppError(error) && error.disposition !== 'bug';
    if (!isExpected) options.logger.error({ err: error, path: pathOf(request) }, 'a request failed');
    if (response.headersSent) response.destroy();
    else if (isExpected) answerFault(response, error);
    else answerFault(response, { code: 'internalError', message: 'something unexpected happened' });
  }
  options.meter.answered(response.statusCode);
}

async function route({ sources, clock }: AggregatorRequestOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request);
  if (request.httpVersion === '1.1' && request.headers.host === undefined)
    answerFault(response, { code: 'badRequest', message: 'the request has no Host header' });
  else if (!healthPaths.has(path) && !apiPaths.has(path)) answerNotFound(response);
  else if (request.method !== 'GET' && request.method !== 'HEAD') answerMethodNotAllowed(response);
  else if (healthPaths.has(path)) answerHealth(response);
  else if (sources === 'disabled') answerDisabled(response);
  else await answerApi(sources, { path, search: searchOf(request), nowMs: clock.now(), response });
}

interface ApiRequest {
  readonly path: string;
  readonly search: URLSearchParams;
  readonly nowMs: number;
  readonly response: ServerResponse;
}

async function answerApi(sources: AggregatorSources, { path, search, nowMs, response }: ApiRequest): Promise<void> {
  const { defaults, api, streams, summary, compare } = sources;
  const context = { defaults, nowMs };
  const answer = async <Query>(query: ParsedQuery<Query>, make: (value: Query) => Promise<MadeAnswer>) => {
    if (query.ok) answerMade(response, await make(query.value));
    else answerProblems(response, query.problems);
  };
  switch (path) {
    case '/api/summary':
      return await answer(parseWindowQuery(search, context), summary);
    case '/api/compare':
      return await answer(parseWindowQuery(search, context), compare);
    case '/api/stream': {
      const query = parseLiveQuery(search, context);
      if (query.ok) openStream(streams, { query: query.value, response });
      else answerProblems(response, query.problems);
      return;
    }
    default:
      return await answer(parseSeriesQuery(search, context), (query) => api.answer(query));
  }
}

function openStream(
  streams: LiveStreams,
  { query, response }: { query: Parameters<LiveStreams['refusal']>[0]; response: ServerResponse },
): void {
  const refusal = streams.refusal(query);
  if (refusal !== undefined) {
    const message = refusal === 'shutdown' ? 'the service is shutting down' : 'there are as many streams as there may be; try again';
    answerFault(response, { code: refusal, message });
    return;
  }
  beginStream(response);
  const lastEventId = response.req.headers['last-event-id'];
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  const client = streams.open({ query, sink: response, lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined });
  response.req.socket.once('end', () => streams.halfClosed(client));
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';

function searchOf({ url = '/' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
}
