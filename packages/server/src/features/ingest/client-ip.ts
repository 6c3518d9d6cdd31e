import { BlockList, isIP } from 'node:net';
import { AppError } from '../../kernel/errors/app-error.ts';

/** `X-Forwarded-For` and `X-Real-Ip` count only where the peer is one of these. Entries: addresses or CIDR ranges. */
export type ClientIp = (peer: string | undefined, rawHeaders: readonly string[]) => string;

/** One rule for ingest and preview. `configInvalid` for an entry that is no address. */
export function createClientIp(trustedProxies: readonly string[]): ClientIp {
  const trusted = new BlockList();
  for (const entry of trustedProxies) addTrusted(trusted, entry);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (peerAddress, rawHeaders) => {
    const peer = plain(peerAddress ?? '');
    if (trustedProxies.length === 0 || isIP(peer) === 0 || !isTrusted(peer)) return peer;
    const hops = headerValues(rawHeaders, 'x-forwarded-for')
      .flatMap((value) => value.split(','))
      .map(withoutPort)
      .filter((address) => isIP(address) !== 0);
    // From the nearest hop outwards, the first that is no proxy of ours is the client; what it claims beyond is its own word.
    const client = hops.findLast((address) => !isTrusted(address)) ?? hops[0];
    if (client !== undefined) return client;
    const real = headerValues(rawHeaders, 'x-real-ip')
      .map(withoutPort)
      .find((address) => isIP(address) !== 0);
    return real ?? peer;
  };
}

function addTrusted(list: BlockList, entry: string): void {
  const [address = '', prefix, ...more] = entry.trim().split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const bits = Number(prefix);
  const isRange = prefix !== undefined && /^\d{1,3}$/.test(prefix) && bits <= (family === 'ipv6' ? 128 : 32);
  if (isIP(address) === 0 || more.length > 0 || (prefix !== undefined && !isRange)) {
    throw new AppError('configInvalid', `"${entry}" is no trusted proxy: give an IP address or a range such as 10.0.0.0/8.`);
  }
  if (isRange) list.addSubnet(address, bits, family);
  else list.addAddress(address, family);
}

/** An IPv4 address that came over an IPv6 socket is written as IPv4. */
const plain = (address: string): string => (address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address);

function withoutPort(text: string): string {
  const trimmed = text.trim();
  if (isIP(trimmed) !== 0) return plain(trimmed);
  const host = /^\[(.+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? trimmed.replace(/:\d+$/, '');
  return plain(host);
}

function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1];
    if (value !== undefined && rawHeaders[index]?.toLowerCase() === name) values.push(value);
  }
  return values;
}
