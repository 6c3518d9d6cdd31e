import { readFile } from 'node:fs/promises';

/** The two ends of a TCP connection, as this side sees them. */
export interface Connection {
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Both tables of Linux; elsewhere there is none. */
const tables = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Bytes that the system has taken for each connection and the other side has not acknowledged, by `keyOf` the connection.
 * Empty where the system does not show it.
 */
export async function readUnacknowledgedBytes(): Promise<ReadonlyMap<string, number>> {
  const texts = await Promise.all(tables.map((table) => readFile(table, 'latin1').catch(() => '')));
  return parseSocketTables(texts.join('\n'));
}

/** Lines `sl local_address rem_address st tx_queue:rx_queue …`, addresses and numbers in hexadecimal. */
export function parseSocketTables(text: string): ReadonlyMap<string, number> {
  const queues = new Map<string, number>();
  for (const [, localPort, remote, queue] of text.matchAll(
    /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/gm,
  )) {
    if (queue !== undefined) queues.set(`${localPort} ${remote}`, Number.parseInt(queue, 16));
  }
  return queues;
}

export function keyOf({ localPort, remoteAddress, remotePort }: Connection): string {
  return `${hex(localPort, 4)} ${addressText(remoteAddress)}:${hex(remotePort, 4)}`;
}

/** As the system writes it: in words of 32 bits, each in the byte order of this machine, which is little-endian wherever Node runs. */
function addressText(address: string): string {
  if (!address.includes(':')) return word(address.split('.').map(Number));
  const [head = '', tail] = dottedAsGroups(address.replace(/%.*$/, '')).split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const middle = tail === undefined ? [] : new Array<number>(8 - left.length - right.length).fill(0);
  const bytes = [...left, ...middle, ...right].flatMap((group) => [group >> 8, group & 0xff]);
  return [0, 4, 8, 12].map((at) => word(bytes.slice(at, at + 4))).join('');
}

const groupsOf = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));

const dottedAsGroups = (address: string): string =>
  address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });

const word = (bytes: readonly number[]): string =>
  bytes
    .toReversed()
    .map((byte) => hex(byte, 2))
    .join('');

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
