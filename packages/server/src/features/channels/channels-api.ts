import type { Server } from 'node:http';
import { errorTable } from '../../kernel/errors/error-table.ts';
import { createDataServer, type DataServerSettings } from '../../kernel/http/data-server.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import type { ChannelsView, LiveMount } from './channels-view.ts';
import { brokenText } from './http/api-answer.ts';
import { ApiRequest } from './http/api-request.ts';
import type { UsageRules } from './http/usage-answer.ts';
import type { RegisteredUsersCache } from './registered-users-cache.ts';
import type { UsageMeter } from './usage-metrics.ts';

export interface ChannelsApiOptions extends UsageRules {
  readonly settings: DataServerSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
  readonly users: RegisteredUsersCache;
  readonly view: ChannelsView;
  readonly live?: LiveMount;
  /** For the routes that the original system did not have. Empty: they are for programs of this machine. */
  readonly token: string;
  readonly logger: Logger;
  readonly meter: UsageMeter;
}

/**
 * The HTTP API of channels: `/register` and `/usage/` to the byte as in the original system, users, channels, sessions and packets
 * beside them, and what browsers need to watch, where that is mounted.
 */
export function createChannelsApi({ settings, certificate, live, ...options }: ChannelsApiOptions): Server {
  const server = createDataServer({
    settings,
    certificate,
    serve: (request, response, mode) => void new ApiRequest({ ...options, live }, request, response).serve(mode),
    answerBroken: ({ statusLine, code, message }) => brokenText(statusLine, { code, message }),
    onBroken: ({ code }) => options.meter.answered(errorTable[code].status),
  });
  if (live) {
    server.on('upgrade', (request, socket, head) => {
      // From here on the connection is the mount's: the limits of HTTP do not hold for it.
      if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
      if (!live.upgrade(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  }
  return server;
}
