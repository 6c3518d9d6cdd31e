import type { Server } from 'node:http';
import { errorTable } from '../../kernel/errors/error-table.ts';
import { createDataServer, type DataServerSettings } from '../../kernel/http/data-server.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import type { EventRequestOptions } from './event-request-options.ts';
import { faultText } from './http/event-answer.ts';
import { EventRequest } from './http/event-request.ts';

interface EventsApiOptions extends EventRequestOptions {
  readonly settings: DataServerSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
}

/**
 * The events API: `POST /` takes events and answers once they are in the log, `POST /explain` says what would become of them,
 * `GET /` says that it is there.
 */
export function createEventsApi({ settings, certificate, ...options }: EventsApiOptions): Server {
  return createDataServer({
    settings,
    certificate,
    serve: (request, response, mode) => void new EventRequest(options, request, response).serve(mode),
    answerBroken: ({ statusLine, message }) => faultText(statusLine, message),
    onBroken: ({ code }) => options.meter.answered(errorTable[code].status),
  });
}
