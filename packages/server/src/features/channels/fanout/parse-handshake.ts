import { type DeliveryForm, lenForm, rawForm, v1Form } from './delivery-form.ts';
import type { StartRequest } from './start-position.ts';

/** What a viewer says in its first line: `<user> <channel> [options]`. */
export interface Handshake {
  readonly user: string;
  readonly channel: string;
  readonly form: DeliveryForm;
  readonly start: StartRequest;
  readonly isAligned: boolean;
  readonly withAck: boolean;
}

export type ParsedHandshake = { readonly ok: true; readonly handshake: Handshake } | { readonly ok: false; readonly reason: string };

/** Without blanks and control characters; a user has 1 to 128 of them, a channel 1 to 64. */
const userForm = /^[^\s\p{Cc}]{1,128}$/u;
const channelForm = /^[^\s\p{Cc}]{1,64}$/u;
const forms: Readonly<Record<string, DeliveryForm>> = { raw: rawForm, len: lenForm, v1: v1Form };
const maxSeconds = 86_400;

/**
 * The line is trimmed and split on runs of blanks. Options are `from=`, `frame=`, `ack=1` and `align=ts`, apart by blanks or commas;
 * other words behind the channel are ignored.
 */
export function parseHandshake(line: Uint8Array): ParsedHandshake {
  const text = textOf(line);
  if (text === undefined) return refused('The line is not UTF-8');
  const [user = '', channel = '', ...words] = text.trim().split(/[ \t]+/);
  if (channel === '') return refused('The line is <user> <channel>');
  if (!userForm.test(user)) return refused('The user id is not valid');
  if (!channelForm.test(channel)) return refused('The channel id is not valid');
  const options = parseOptions(words.flatMap((word) => word.split(',')));
  if (!options.ok) return options;
  return { ok: true, handshake: { user, channel, ...options.options } };
}

type Options = Omit<Handshake, 'user' | 'channel'>;
type ParsedOptions = { readonly ok: true; readonly options: Options } | { readonly ok: false; readonly reason: string };

/** Each of `from=…`, `frame=…`, `ack=…`, `align=…`; the last of several holds. */
function parseOptions(words: readonly string[]): ParsedOptions {
  let options: Options = { form: rawForm, start: { at: 'live' }, isAligned: false, withAck: false };
  for (const word of words) {
    const [name, value = ''] = word.split('=', 2);
    switch (name) {
      case 'from': {
        const start = parseStart(value);
        if (start === undefined) return refused('from is live, <epoch>:<number>, <number> or -<seconds>s');
        options = { ...options, start };
        break;
      }
      case 'frame': {
        const form = Object.hasOwn(forms, value) ? forms[value] : undefined;
        if (form === undefined) return refused('frame is raw, len or v1');
        options = { ...options, form };
        break;
      }
      case 'ack':
        if (value !== '1') return refused('ack is 1');
        options = { ...options, withAck: true };
        break;
      case 'align':
        if (value !== 'ts') return refused('align is ts');
        options = { ...options, isAligned: true };
        break;
    }
  }
  if (options.withAck && options.form === rawForm) return refused('ack=1 needs frame=len or frame=v1');
  if (options.isAligned && options.form !== rawForm) return refused('align=ts needs frame=raw');
  return { ok: true, options };
}

/** `live`, `<epoch>:<number>`, `<number>`, `-<seconds>s`; undefined for anything else. */
export function parseStart(text: string): StartRequest | undefined {
  if (text === 'live') return { at: 'live' };
  const { epoch, number, seconds } = /^(?:(?:(?<epoch>\d{1,16}):)?(?<number>\d{1,16})|-(?<seconds>\d{1,6})s)$/.exec(text)?.groups ?? {};
  if (seconds !== undefined) return Number(seconds) > maxSeconds ? undefined : { at: 'ago', ms: Number(seconds) * 1000 };
  const sequence = Number(number);
  if (!Number.isSafeInteger(sequence)) return undefined;
  return { at: 'number', epoch: epoch === undefined ? undefined : Number(epoch), sequence };
}

function textOf(line: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line);
  } catch {
    return undefined;
  }
}

const refused = (reason: string) => ({ ok: false, reason }) as const;
