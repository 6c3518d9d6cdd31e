import { notParsed, type Parsed } from '../../kernel/codec/parsed.ts';
import { type Event, type EventContext, maxEventBytes } from './event.ts';
import { isBlank } from './parsing/json-blank.ts';
import { readEvent } from './parsing/read-event.ts';
import { scanEvent } from './parsing/scan-event.ts';

/** One event in JSON, whitespace around it allowed: a text line, the value of a record. The reason is lower case, without a full stop. */
export function parseEvent(bytes: Buffer, context: EventContext): Parsed<Event> {
  if (bytes.length > maxEventBytes) return notParsed(`the event is larger than ${maxEventBytes} bytes`);
  const scanned = scanEvent(bytes, { at: 0, end: bytes.length }, context);
  return scanned && isBlankFrom(bytes, scanned.end) ? { ok: true, value: scanned.event } : readEvent(bytes, context);
}

function isBlankFrom(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) if (!isBlank(bytes[at])) return false;
  return true;
}
