import { formatHostPort, type HostPort } from '../kernel/codec/host-port.ts';

/** The URL under which this machine reaches a listener; every address of the machine is shown as loopback. */
export function urlOf({ host, port }: HostPort, scheme: 'http' | 'https' | 'tcp' = 'http'): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${formatHostPort({ host: reachable, port })}`;
}

/** A configured base without slashes at its end; `''` where none is configured. */
export const publicUrl = (configured: string): string => configured.replace(/\/+$/, '');
