import type { ListenOptions, Server } from 'node:net';
import { formatHostPort, type HostPort } from '../codec/host-port.ts';
import { AppError, errorText } from '../errors/app-error.ts';

interface ListenRequest {
  /** A TCP address, or the path of a Unix socket. */
  readonly at: HostPort | string;
  /** Who listens, for the message: "http-source". */
  readonly name: string;
}

/**
 * Starts listening; settles when connections are taken. Gives the real address where port 0 was asked for.
 * `portUnavailable` says which address, why, and what to do.
 */
export async function listen(server: Server, { at, name }: ListenRequest): Promise<HostPort> {
  const options: ListenOptions = typeof at === 'string' ? { path: at } : { host: at.host, port: at.port };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const where = typeof at === 'string' ? at : formatHostPort(at);
    throw new AppError('portUnavailable', `${name} cannot listen on ${where}: ${reasonOf(error)}.`, { cause: error });
  }
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return { host: bound ?? '', port: 0 };
  return { host: bound.address, port: bound.port };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return 'the address is in use; stop the process that uses it, or configure another address';
    case 'EACCES':
      return 'the system does not permit it; configure a port of 1024 or more, or start with the needed rights';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host is no address of this machine; configure one of its addresses, or 0.0.0.0 for all';
    default:
      return errorText(error);
  }
}
