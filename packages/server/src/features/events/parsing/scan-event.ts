import { maxEventIdLength } from '@sluice/contract/event';
import type { Event, EventContext } from '../event.ts';
import { isBlank } from './json-blank.ts';

interface Stretch {
  readonly at: number;
  readonly end: number;
}

interface ScannedEvent {
  readonly event: Event;
  /** The position behind the event. */
  readonly end: number;
}

/**
 * Reads a valid event that is a flat object of plain texts and numbers, in one pass over its bytes, as nearly every event is.
 * Undefined for everything else, valid or not: `read-event.ts` decides about it.
 * What it accepts ends before `end`, and it reads it as the strict reader does.
 */
export function scanEvent(bytes: Buffer, stretch: Stretch, { arrivalMs, maxFutureSkewMs }: EventContext): ScannedEvent | undefined {
  const { end } = stretch;
  let at = skipBlanks(bytes, stretch.at);
  if (bytes[at] !== openObject) return undefined;
  at = skipBlanks(bytes, at + 1);
  let time = -1;
  let amountStart = -1;
  let amountEnd = -1;
  let idStart = -1;
  let idEnd = -1;
  for (;;) {
    if (at >= end || bytes[at] !== quote) return undefined;
    const field = fieldAt(bytes, at + 1);
    if (field === other) return undefined;
    at += nameLengths[field] ?? 0;
    if (bytes[at] !== colon) at = skipBlanks(bytes, at);
    if (bytes[at] !== colon) return undefined;
    at += 1;
    if (isBlank(bytes[at])) at = skipBlanks(bytes, at);

    const start = at;
    if (field === fieldTime) {
      at = endOfDigits(bytes, start);
      if (time !== -1 || at === start || at - start > maxTimeDigits || (bytes[start] === zero && at - start > 1)) return undefined;
      time = 0;
      for (let digit = start; digit < at; digit += 1) time = time * 10 + (bytes[digit] ?? 0) - zero;
    } else if (field === fieldAmount) {
      if (amountStart !== -1) return undefined;
      const isText = bytes[start] === quote;
      amountStart = isText ? start + 1 : start;
      amountEnd = isText ? endOfDecimal(bytes, amountStart) : endOfNumber(bytes, amountStart);
      if (amountEnd === -1 || (isText && bytes[amountEnd] !== quote)) return undefined;
      at = isText ? amountEnd + 1 : amountEnd;
    } else {
      if (idStart !== -1 || bytes[start] !== quote) return undefined;
      idStart = start + 1;
      idEnd = endOfPlainText(bytes, idStart);
      if (bytes[idEnd] !== quote) return undefined;
      at = idEnd + 1;
    }

    if (isBlank(bytes[at])) at = skipBlanks(bytes, at);
    if (bytes[at] === closeObject) break;
    if (bytes[at] !== comma) return undefined;
    at = skipBlanks(bytes, at + 1);
  }
  if (at >= end || amountStart === -1 || time > arrivalMs + maxFutureSkewMs) return undefined;
  const amountText = bytes.toString('latin1', amountStart, amountEnd);
  const amount = Number(amountText);
  if (!Number.isFinite(amount)) return undefined;
  const isId = idEnd > idStart && idEnd - idStart <= maxEventIdLength;
  const event = {
    time: time === -1 ? arrivalMs : time,
    amount,
    amountText,
    id: isId ? bytes.toString('latin1', idStart, idEnd) : undefined,
  };
  return { event, end: at + 1 };
}

const quote = 0x22;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const backslash = 0x5c;
const openObject = 0x7b;
const closeObject = 0x7d;
/** As many as are surely exact. */
const maxTimeDigits = 15;

const other = 0;
const fieldTime = 1;
const fieldAmount = 2;
const fieldId = 3;
/** By field, with both quotes. */
const nameLengths = [0, 6, 8, 4];

/** The field whose name stands there up to its closing quote, in any case. */
function fieldAt(bytes: Buffer, at: number): number {
  switch ((bytes[at] ?? 0) | 0x20) {
    case 0x74:
      return isName(bytes, at, timeName) ? fieldTime : other;
    case 0x61:
      return isName(bytes, at, amountName) ? fieldAmount : other;
    case 0x69:
      return isName(bytes, at, idName) ? fieldId : other;
    default:
      return other;
  }
}

const timeName = Buffer.from('time');
const amountName = Buffer.from('amount');
const idName = Buffer.from('id');

function isName(bytes: Buffer, at: number, name: Buffer): boolean {
  // Nothing but its capital becomes a small letter by this bit.
  for (let index = 0; index < name.length; index += 1) if (((bytes[at + index] ?? 0) | 0x20) !== name[index]) return false;
  return bytes[at + name.length] === quote;
}

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (isBlank(bytes[at])) at += 1;
  return at;
}

function endOfDigits(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x30 || byte > 0x39) return at;
    at += 1;
  }
}

/** Behind the text of a number as `decimalText` allows it, or -1. */
function endOfDecimal(bytes: Buffer, from: number): number {
  const start = bytes[from] === plus || bytes[from] === minus ? from + 1 : from;
  let at = endOfDigits(bytes, start);
  let digits = at - start;
  if (bytes[at] === dot) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction);
    digits += at - fraction;
  }
  return digits === 0 ? -1 : endOfExponent(bytes, at);
}

/** Behind a number of JSON, or -1. */
function endOfNumber(bytes: Buffer, from: number): number {
  const start = bytes[from] === minus ? from + 1 : from;
  let at = endOfDigits(bytes, start);
  if (at === start || (bytes[start] === zero && at - start > 1)) return -1;
  if (bytes[at] === dot) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction);
    if (at === fraction) return -1;
  }
  return endOfExponent(bytes, at);
}

function endOfExponent(bytes: Buffer, from: number): number {
  if (((bytes[from] ?? 0) | 0x20) !== 0x65) return from;
  const sign = bytes[from + 1];
  const start = sign === plus || sign === minus ? from + 2 : from + 1;
  const at = endOfDigits(bytes, start);
  return at === start ? -1 : at;
}

/** The first byte that ends a text of plain ASCII, or stands in no such text. */
function endOfPlainText(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte === quote || byte === backslash || byte < 0x20 || byte > 0x7e) return at;
    at += 1;
  }
}
