import { decimalText, maxEventIdLength } from '@sluice/contract/event';
import { notParsed, type Parsed, parsed } from '../../../kernel/codec/parsed.ts';
import type { Event, EventContext } from '../event.ts';

/** What the bytes are instead of JSON. */
export const notJson = 'not valid JSON';

/**
 * The strict reader of one event: it decides what is one, and why something is none. Slower than `scan-event.ts`, which must agree with it.
 * Bytes that are no UTF-8 are read as U+FFFD, as everywhere else.
 */
export function readEvent(bytes: Buffer, context: EventContext): Parsed<Event> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'), keepNumberText);
  } catch {
    // Also where it is nested so deep that the stack ends.
    return notParsed(notJson);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberText)
    return notParsed('an event must be a JSON object');
  const fields = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) {
    const name = key.toLowerCase();
    if (name !== 'time' && name !== 'amount' && name !== 'id') continue;
    if (fields.has(name)) return notParsed(`${name} is given in two spellings`);
    fields.set(name, field);
  }
  return eventOf(fields, context);
}

function eventOf(fields: ReadonlyMap<string, unknown>, context: EventContext): Parsed<Event> {
  const time = timeOf(fields, context);
  if (!time.ok) return time;
  const amountText = amountTextOf(fields);
  if (!amountText.ok) return amountText;
  const amount = Number(amountText.value);
  if (!Number.isFinite(amount)) return notParsed(`amount ${shown(amountText.value)} is beyond the range of a 64-bit float`);
  const id = fields.get('id');
  const isId = typeof id === 'string' && id !== '' && id.length <= maxEventIdLength;
  return parsed({ time: time.value, amount, amountText: amountText.value, ...(isId && { id }) });
}

function timeOf(fields: ReadonlyMap<string, unknown>, { arrivalMs, maxFutureSkewMs }: EventContext): Parsed<number> {
  if (!fields.has('time')) return parsed(arrivalMs);
  const given = fields.get('time');
  const time = given instanceof NumberText && /^-?\d+$/.test(given.text) ? Number(given.text) : Number.NaN;
  if (!Number.isSafeInteger(time)) return notParsed('time must be Unix milliseconds, a whole number');
  if (time < 0) return notParsed(`time ${time} is negative`);
  if (time > arrivalMs + maxFutureSkewMs) return notParsed(`time ${time} is more than ${maxFutureSkewMs} ms ahead`);
  return parsed(time);
}

function amountTextOf(fields: ReadonlyMap<string, unknown>): Parsed<string> {
  const given = fields.get('amount');
  if (given === undefined) return notParsed('amount is missing');
  if (given === null) return notParsed('amount is null');
  if (given instanceof NumberText) return parsed(given.text);
  if (typeof given !== 'string') return notParsed('amount must be a number or the text of one');
  return decimalText.test(given) ? parsed(given) : notParsed(`amount ${shown(given)} is no decimal number`);
}

const shownLength = 40;

/** Quoted; what a client sent may be long. */
const shown = (text: string): string => JSON.stringify(text.length > shownLength ? `${text.slice(0, shownLength)}…` : text);

/** A number as it was written: `JSON.parse` alone would lose the difference between 1 and 1.0. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value;
}
