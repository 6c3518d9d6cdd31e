import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorText } from '../errors/app-error.ts';
import type { Logger } from './logger.ts';
import type { MetricRegistry } from './metrics.ts';
import type { Readiness } from './readiness.ts';

interface OperationsOptions {
  readonly readiness: Readiness;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** 200 while the process runs at all: an orchestrator restarts it otherwise. */
const livePaths = new Set(['/health-check', '/healthz', '/health', '/health/live', '/live', '/livez']);
/** 200 while it takes work, 503 otherwise: a load balancer sends nothing then. */
const readyPaths = new Set(['/readyz', '/health/ready', '/health/startup']);

/** The port for probes and Prometheus: `/readyz` with the reasons as JSON, `/metrics`, and the aliases of all kinds of services. */
export function createOperationsServer(options: OperationsOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.logger.error({ err: error, path: request.url }, 'operations request failed');
      if (!response.headersSent) send(response, 500, { contentType: 'text/plain', body: `${errorText(error)}\n` });
      else response.destroy();
    });
  });
}

async function answer({ readiness, metrics }: OperationsOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, 405, { contentType: 'text/plain', body: 'Only GET and HEAD are answered here.\n' });
  } else if (livePaths.has(path)) {
    send(response, 200, { contentType: 'text/plain', body: 'OK\n' });
  } else if (readyPaths.has(path)) {
    const report = readiness.report();
    send(response, report.ready ? 200 : 503, { contentType: 'application/json', body: `${JSON.stringify(report, undefined, 2)}\n` });
  } else if (path === '/metrics') {
    send(response, 200, { contentType: metrics.contentType, body: await metrics.text() });
  } else {
    send(response, 404, { contentType: 'text/plain', body: 'Here are /readyz, /metrics and /health-check.\n' });
  }
}

interface Content {
  readonly contentType: string;
  readonly body: string;
}

function send(response: ServerResponse, status: number, { contentType, body }: Content): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(body);
}
