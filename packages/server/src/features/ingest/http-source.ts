import type { Server } from 'node:http';
import { errorTable } from '../../kernel/errors/error-table.ts';
import { createDataServer, type DataServerSettings } from '../../kernel/http/data-server.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import { answerText } from './answer.ts';
import { StreamRequest, type StreamRequestOptions } from './stream-request.ts';

export interface HttpSourceOptions extends StreamRequestOptions {
  readonly settings: DataServerSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
}

/**
 * Ingest: events over HTTP, safe on disk before the client hears OK.
 *
 * - `stream-request.ts` is the way of one request; `source-auth.ts` finds its source by the secret, `data-auth.ts` by a token, before a
 *   byte of the body is read.
 * - `request-body.ts` reads the body within its bounds; `mapping` renders it for every sink.
 * - `sink-router.ts`, `sink-stream.ts` bring the rows to the writer and wait until they are durable (I1).
 * - `write-result.ts`, `answer.ts` say what became of them (I5); `ingest-report.ts` counts and logs it.
 */
export function createHttpSource({ settings, certificate, ...options }: HttpSourceOptions): Server {
  return createDataServer({
    settings,
    certificate,
    // 100 is sent only to a client whose secret was right.
    serve: (request, response, mode) => void new StreamRequest(options, request, response).serve(mode),
    answerBroken: ({ statusLine, code, message }) => answerText(statusLine, { code, message }),
    onBroken: ({ code }) => options.report.rejected({ code, status: errorTable[code].status }),
  });
}
