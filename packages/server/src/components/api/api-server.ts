import cors from '@fastify/cors';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Principal } from '../../features/accounts/principal.ts';
import { requestToken } from '../../features/accounts/request-token.ts';
import type { TokenVerifier } from '../../features/accounts/token-verifier.ts';
import type { BoundOperation } from '../../features/definitions/bound-operation.ts';
import { type DefinitionApiDeps, definitionOperations } from '../../features/definitions/definition-operations.ts';
import { AppError, errorText as textOf } from '../../kernel/errors/app-error.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import { answerClientError } from './client-error.ts';
import { addDocumentation, documentationFolder, documentationRoutes } from './documentation.ts';
import { documentOperations } from './documents.ts';
import { errorBody, errorText, TokenRefused } from './error-answer.ts';
import { httpError, maxBodyBytes } from './http-errors.ts';
import { defaultTimes, openWebServer, type ServerTimes } from './open-web-server.ts';
import { type ClientIpOf, parseQuery, rawRequest } from './raw-request.ts';
import { frameworkPath, RouteTable } from './route-table.ts';

export interface ApiServerDeps extends DefinitionApiDeps {
  readonly verifier: TokenVerifier;
  readonly randomId: (length: number) => string;
  readonly clientIpOf: ClientIpOf;
  /** Absent: no TLS. */
  readonly certificate?: Certificate | undefined;
  /** Operations of features other than definitions. */
  readonly furtherOperations?: readonly BoundOperation[];
  /** Shorter ones, for tests. */
  readonly times?: ServerTimes;
}

/** Paths of the API that are no operations, and words of it that are no ids. */
const plainRoutes = [{ method: 'GET', path: '/' }, { method: 'GET', path: '/health-check' }, ...documentationRoutes] as const;
const folders: readonly string[] = ['/', documentationFolder];

/** The HTTP server of the configuration API, ready to listen or to be injected into. */
export async function createApiServer(deps: ApiServerDeps): Promise<FastifyInstance> {
  const described = [...definitionOperations(deps), ...(deps.furtherOperations ?? [])];
  const documents = documentOperations({ apiUrl: deps.apiUrl, described: described.map(({ operation }) => operation) });
  const operations = [...documents, ...described];
  const { times = defaultTimes } = deps;
  const table = new RouteTable([...plainRoutes, ...operations.map(({ operation }) => operation)]);

  const app = Fastify({
    bodyLimit: maxBodyBytes,
    exposeHeadRoutes: true,
    handlerTimeout: times.answerMs,
    genReqId: () => deps.randomId(15),
    requestIdHeader: false,
    requestTimeout: times.requestMs,
    clientErrorHandler: ({ code }, socket) => answerClientError(socket, { code, requestId: deps.randomId(15) }),
    serverFactory: (handler) => openWebServer(handler, { times, certificate: deps.certificate, randomId: deps.randomId }),
    routerOptions: { maxParamLength: 16_384, querystringParser: parseQuery },
    frameworkErrors: (_error, request, reply) => {
      void reply.header('X-Request-Id', request.id);
      void sendError(reply, notFound(request));
    },
  });
  app.setErrorHandler((error, request, reply) => {
    const body = errorBody(httpError(error), request.id);
    if (body.statusCode >= 500) {
      deps.logger.error(
        { exceptionId: body.exceptionId, path: pathOf(request), error: textOf(error), stack: stackOf(error) },
        'request failed',
      );
    }
    return reply
      .code(body.statusCode)
      .header('content-type', 'application/json')
      .send(Buffer.from(errorText(body)));
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('X-Request-Id', request.id);
  });
  await app.register(cors, {
    methods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
    allowedHeaders: ['Content-Type', 'X-StorageApi-Token', 'X-KBC-ProjectId'],
    origin: true,
    strictPreflight: false,
  });
  // Before the body is read: an unknown path is told first.
  app.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request);
    if (request.headers.host === undefined && request.raw.httpVersion !== '1.0')
      throw new AppError('badRequest', 'The header "Host" is missing.');
    // The router takes nothing for an id, and a star for the root.
    if (request.is404 || path === '*' || (path.endsWith('/') && !folders.includes(path))) return refuse(request, { reply, table });
    return;
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.get('/', (_request, reply) => reply.redirect('/v1', 301));
  app.get('/health-check', (_request, reply) => reply.type('text/plain').send('OK'));
  addDocumentation(app);
  for (const bound of operations) addRoute(app, { bound, deps });
  await app.ready();
  return app;
}

function addRoute(app: FastifyInstance, { bound, deps }: { readonly bound: BoundOperation; readonly deps: ApiServerDeps }): void {
  const { method, path, status, answerType } = bound.operation;
  app.route({
    method,
    url: frameworkPath(path),
    handler: async (request, reply) => {
      const raw = rawRequest(request, { path, clientIpOf: deps.clientIpOf });
      const execute = bound.prepare(raw);
      const value = await execute(() => authorize(deps.verifier, request));
      if (value === undefined) return reply.code(status).send();
      if (answerType !== undefined)
        return reply
          .code(status)
          .header('content-type', answerType)
          .send(Buffer.from(String(value)));
      return reply
        .code(status)
        .header('content-type', 'application/json')
        .send(Buffer.from(`${JSON.stringify(value)}\n`));
    },
  });
}

async function authorize(verifier: TokenVerifier, { headers }: FastifyRequest): Promise<Principal> {
  const project = headers['x-kbc-projectid'];
  const verdict = await verifier.verify(requestToken(headers) ?? '', typeof project === 'string' ? project : undefined);
  if (verdict.accepted) return verdict.principal;
  throw new TokenRefused(verdict);
}

/** A path with a slash too many leads to the one without; a known path says which methods it takes; else it is not there. */
function refuse(request: FastifyRequest, { reply, table }: { readonly reply: FastifyReply; readonly table: RouteTable }): FastifyReply {
  const path = pathOf(request);
  const trimmed = folders.includes(path) ? path : path.replace(/(?!^)\/+$/, '');
  if (trimmed !== path && table.methodsOf(trimmed).includes(request.method)) {
    return reply.redirect(trimmed + request.url.slice(path.length), 301);
  }
  const methods = trimmed === path ? table.methodsOf(path) : [];
  if (methods.length > 0) {
    void reply.header('Allow', methods.join(', '));
    throw new AppError('methodNotAllowed', `Method "${request.method}" is not allowed for the path "${path}".`);
  }
  throw notFound(request);
}

const notFound = (request: FastifyRequest): AppError =>
  new AppError('endpointNotFound', `No endpoint found for path "${pathOf(request)}".`);
const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? '';
const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);

function sendError(reply: FastifyReply, error: AppError): FastifyReply {
  const body = errorBody(error, '');
  return reply
    .code(body.statusCode)
    .header('content-type', 'application/json')
    .send(Buffer.from(errorText(body)));
}
