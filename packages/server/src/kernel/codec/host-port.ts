import { notParsed, type Parsed, parsed } from './parsed.ts';

export interface HostPort {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `0.0.0.0:8000`, `localhost:0`, `[::1]:8000`; `:8000` is every IPv4 address of the machine. */
export function parseHostPort(text: string): Parsed<HostPort> {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^\s:[\]]*)):(?<port>\d{1,5})$/.exec(text);
  const { v6, name, port } = match?.groups ?? {};
  if (Number(port) > 65_535) return notParsed('the port must be 0 to 65535');
  if (port === undefined) return notParsed('an address is written host:port, such as 0.0.0.0:8000 or [::1]:8000');
  return parsed({ host: v6 || name || '0.0.0.0', port: Number(port) });
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
