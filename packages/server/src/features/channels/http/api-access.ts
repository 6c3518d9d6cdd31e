import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import { requestToken } from '../../accounts/request-token.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** What a browser or a proxy adds on behalf of somebody else. */
const foreignHeaders = ['origin', 'forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/**
 * Who may use what the original system did not have. With a token configured: whoever sends it. Without one: programs of this machine
 * that speak for nobody else. Undefined: the request may pass.
 */
export function accessFault({ headers, socket }: IncomingMessage, token: string): { code: ErrorCode; message: string } | undefined {
  if (token !== '') {
    const given = requestToken(headers);
    if (given !== undefined && timingSafeEqual(digestOf(given), digestOf(token))) return undefined;
    return { code: 'tokenInvalid', message: 'This path needs the token of the channels API, as Authorization: Bearer.' };
  }
  const { remoteAddress = '', remoteFamily } = socket;
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
  const isLocal = loopback.check(address, address === remoteAddress && remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4');
  if (isLocal && foreignHeaders.every((name) => headers[name] === undefined)) return undefined;
  return { code: 'forbidden', message: 'Without a token of the channels API this path is for programs of its own machine.' };
}

/** Texts of any length in the same time. */
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
