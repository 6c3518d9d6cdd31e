import type { Event } from './event.ts';

/** How an amount is written: as a text, which every reader takes, or as a JSON number. */
export type AmountEncoding = 'string' | 'number';

/** The value of an event's record: compact JSON, time before amount, the amount in the shortest form that gives the same number again. */
export function encodeEvent({ time, amount, id }: Event, encoding: AmountEncoding): string {
  const text = encoding === 'string' ? `{"time":${time},"amount":"${amount}"` : `{"time":${time},"amount":${amount}`;
  return id === undefined ? `${text}}` : `${text},"id":${JSON.stringify(id)}}`;
}
