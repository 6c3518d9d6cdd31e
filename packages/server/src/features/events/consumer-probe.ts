import { createServer, type Server } from 'node:http';

const paths = new Set(['/', '/healthz']);

/** What probes of the original consumers ask: `GET /` is answered with `ok` for as long as the process runs. */
export function createConsumerProbe(): Server {
  return createServer((request, response) => {
    const isKnown = paths.has(request.url?.split('?')[0] ?? '');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const status = !isKnown ? 404 : isRead ? 200 : 405;
    const body = status === 200 ? 'ok' : status === 404 ? '404 page not found\n' : '';
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      ...(status === 405 && { Allow: 'GET, HEAD' }),
    });
    response.end(body);
  });
}
