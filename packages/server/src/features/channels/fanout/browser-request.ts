import type { IncomingMessage } from 'node:http';
import { parseHandshake } from './parse-handshake.ts';
import type { StartRequest } from './start-position.ts';

export interface BrowserRequest {
  readonly user: string;
  readonly channel: string;
  readonly start: StartRequest;
  readonly withAck: boolean;
}

type Parsed = { readonly ok: true; readonly request: BrowserRequest } | { readonly ok: false; readonly reason: string };

/** Query `user`, `channel`, `from`, `ack`, as in the line of a TCP viewer. A browser that comes back says `Last-Event-ID`, which wins. */
export function parseBrowserRequest({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): Parsed {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const user = query.get('user') ?? '';
  const channel = query.get('channel') ?? '';
  const from = String(headers['last-event-id'] ?? query.get('from') ?? 'live');
  // In the line, blanks and commas part words: here they would be part of a value, and are not valid in it.
  if (![user, channel, from].every((value) => /^[^\s,]+$/.test(value)))
    return { ok: false, reason: 'user and channel are needed, and no value has blanks or commas' };
  const ack = query.get('ack') === null ? '' : ` ack=${query.get('ack')}`;
  const parsed = parseHandshake(Buffer.from(`${user} ${channel} frame=v1 from=${from}${ack}`));
  if (!parsed.ok) return parsed;
  const { start, withAck } = parsed.handshake;
  return { ok: true, request: { user: parsed.handshake.user, channel: parsed.handshake.channel, start, withAck } };
}
