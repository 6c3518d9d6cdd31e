import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEvent } from './encode-event.ts';
import type { EventContext } from './event.ts';
import { parseEvent } from './parse-event.ts';
import { readEvent } from './parsing/read-event.ts';
import { scanEvent } from './parsing/scan-event.ts';

const context: EventContext = { arrivalMs: 1_795_232_693_264, maxFutureSkewMs: 86_400_000 };
const parse = (text: string) => parseEvent(Buffer.from(text), context);
const ofAmount = (amount: string) => parse(`{"time":1,"amount":${amount}}`);
/** What an event with this amount is written as, or why it is refused. */
const judged = (amount: string): string => {
  const result = ofAmount(amount);
  return result.ok ? encodeEvent(result.value, 'string') : result.reason;
};

describe('amounts', () => {
  test.each([
    ['"5"', '5'],
    ['"5.0"', '5'],
    ['"+5"', '5'],
    ['"5e0"', '5'],
    ['"-3"', '-3'],
    ['"0"', '0'],
    ['"-0"', '0'],
    ['".5"', '0.5'],
    ['"5."', '5'],
    ['"007"', '7'],
    ['5.5', '5.5'],
    ['-0', '0'],
    ['1E3', '1000'],
    ['"6.046602879796196"', '6.046602879796196'],
    ['"1e-07"', '1e-7'],
    ['"1.2345675e+06"', '1234567.5'],
    ['"1.23456789e+08"', '123456789'],
    ['"1e+21"', '1e+21'],
    ['"1000"', '1000'],
    ['"1e-400"', '0'],
  ])('%s is taken as %s', (given, written) => {
    expect(judged(given)).toBe(`{"time":1,"amount":"${written}"}`);
  });

  test.each([
    ['null', 'amount is null'],
    ['"abc"', 'amount "abc" is no decimal number'],
    ['""', 'amount "" is no decimal number'],
    ['" 5"', 'amount " 5" is no decimal number'],
    ['"5 "', 'amount "5 " is no decimal number'],
    ['"NaN"', 'amount "NaN" is no decimal number'],
    ['"1e"', 'amount "1e" is no decimal number'],
    ['"."', 'amount "." is no decimal number'],
    ['"Inf"', 'amount "Inf" is no decimal number'],
    ['"+Inf"', 'amount "+Inf" is no decimal number'],
    ['"Infinity"', 'amount "Infinity" is no decimal number'],
    ['"0x10"', 'amount "0x10" is no decimal number'],
    ['"0b11"', 'amount "0b11" is no decimal number'],
    ['"1_000"', 'amount "1_000" is no decimal number'],
    ['"5\\n"', 'amount "5\\n" is no decimal number'],
    ['"1e400"', 'amount "1e400" is beyond the range of a 64-bit float'],
    ['1e400', 'amount "1e400" is beyond the range of a 64-bit float'],
    ['"-1e400"', 'amount "-1e400" is beyond the range of a 64-bit float'],
    ['true', 'amount must be a number or the text of one'],
    ['{}', 'amount must be a number or the text of one'],
    ['[5]', 'amount must be a number or the text of one'],
    ['05', 'not valid JSON'],
    ['+5', 'not valid JSON'],
    ['.5', 'not valid JSON'],
    ['5.', 'not valid JSON'],
    ['NaN', 'not valid JSON'],
  ])('%s is refused: %s', (given, reason) => {
    expect(judged(given)).toBe(reason);
  });

  test('a missing one is refused', () => {
    expect(parse('{"time":1}')).toEqual({ ok: false, reason: 'amount is missing' });
    expect(parse('{}')).toEqual({ ok: false, reason: 'amount is missing' });
  });

  test('a long one is shown in part', () => {
    expect(judged(`"${'x'.repeat(1000)}"`)).toBe(`amount "${'x'.repeat(40)}…" is no decimal number`);
  });

  test.each(['"+5.00"', '5.00', '"5.000000000000000000000000001"'])('the text of %s is kept', (given) => {
    expect(ofAmount(given)).toMatchObject({ ok: true, value: { amount: 5, amountText: given.replaceAll('"', '') } });
  });
});

describe('times', () => {
  const ofTime = (time: string) => parse(`{"time":${time},"amount":1}`);

  test.each([
    ['0', 0],
    ['1795232693264', 1_795_232_693_264],
    [`${context.arrivalMs + context.maxFutureSkewMs}`, context.arrivalMs + context.maxFutureSkewMs],
    ['-0', 0],
  ])('%s is taken', (given, time) => {
    expect(ofTime(given)).toMatchObject({ ok: true, value: { time: time === 0 ? expect.closeTo(0) : time } });
  });

  test.each([
    ['-1', 'time -1 is negative'],
    ['1.5', 'time must be Unix milliseconds, a whole number'],
    ['1.0', 'time must be Unix milliseconds, a whole number'],
    ['1e3', 'time must be Unix milliseconds, a whole number'],
    ['"1"', 'time must be Unix milliseconds, a whole number'],
    ['null', 'time must be Unix milliseconds, a whole number'],
    ['9007199254740993', 'time must be Unix milliseconds, a whole number'],
    [
      `${context.arrivalMs + context.maxFutureSkewMs + 1}`,
      `time ${context.arrivalMs + context.maxFutureSkewMs + 1} is more than 86400000 ms ahead`,
    ],
    ['01', 'not valid JSON'],
  ])('%s is refused: %s', (given, reason) => {
    expect(ofTime(given)).toEqual({ ok: false, reason });
  });

  test('the arrival stands for a missing one', () => {
    expect(parse('{"amount": 7.3}')).toMatchObject({ ok: true, value: { time: context.arrivalMs, amount: 7.3 } });
  });
});

describe('names', () => {
  test('match in any case and order, and unknown ones are ignored', () => {
    const text = ' { "Unit" : {"a":[1,{"amount":2}]}, "AMOUNT" : "2" , "x":null, "TIME":\t3 }\r\n';
    expect(parse(text)).toEqual({ ok: true, value: { time: 3, amount: 2, amountText: '2' } });
    expect(parse('{"\\u0041mount":1,"time":3}')).toMatchObject({ ok: true, value: { amount: 1 } });
  });

  test('one in two spellings is refused, and of one spelling the last counts', () => {
    expect(parse('{"amount":1,"Amount":2}')).toEqual({ ok: false, reason: 'amount is given in two spellings' });
    expect(parse('{"amount":1,"amount":2}')).toMatchObject({ ok: true, value: { amount: 2 } });
  });

  test.each([
    ['"a"', 'a'],
    ['"01JD\\u00e9\\n"', '01JDé\n'],
    ['"ü"', 'ü'],
    [`"${'x'.repeat(128)}"`, 'x'.repeat(128)],
    ['""', undefined],
    ['7', undefined],
    ['null', undefined],
    [`"${'x'.repeat(129)}"`, undefined],
  ])('the id %s is read as %j', (given, id) => {
    const result = parse(`{"amount":1,"id":${given}}`);
    expect(result.ok && result.value.id).toBe(id);
  });
});

test.each(['', '5', '"a"', 'null', '[]', '[{"amount":1}]'])('%j is no event', (text) => {
  expect(parse(text).ok).toBe(false);
});

test('an event of more than 64 KiB is refused', () => {
  expect(parse(`{"amount":1,"x":"${'x'.repeat(65_536)}"}`)).toEqual({ ok: false, reason: 'the event is larger than 65536 bytes' });
});

test('what nests too deep for the reader is no valid JSON', () => {
  expect(parse(`{"amount":1,"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)).toEqual({ ok: false, reason: 'not valid JSON' });
});

const blank = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
const decimal = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc.stringMatching(/^[+-]?(\d{1,3}\.?\d{0,3}|\.\d{1,3})([eE][+-]?\d{1,3})?$/),
  fc.constantFrom('0', '-0', '05', '1e', '.', '', '1e400', 'NaN', '0x1', '5 ', '--1', '1.e5', '1e+'),
);
const time = fc.oneof(
  fc.nat().map(String),
  fc.integer({ min: context.arrivalMs - 10, max: context.arrivalMs + context.maxFutureSkewMs + 10 }).map(String),
);
const amount = fc.oneof(
  decimal,
  decimal.map((text) => `"${text}"`),
);
const text = fc.string().map((some) => JSON.stringify(some));
const anyValue = fc.oneof(time, amount, text, fc.json());
const anyName = fc.constantFrom('"time"', '"amount"', '"id"', '"other"', '"tim"', '"ids"', '"\\u0069d"');
const fitting = fc.oneof(
  fc.tuple(fc.constantFrom('"time"', '"TIME"'), time),
  fc.tuple(fc.constantFrom('"amount"', '"Amount"'), amount),
  fc.tuple(fc.constantFrom('"id"', '"Id"'), text),
);
const member = fc
  .tuple(blank, fc.oneof({ weight: 9, arbitrary: fitting }, { weight: 1, arbitrary: fc.tuple(anyName, anyValue) }), blank, blank, blank)
  .map(([a, [key, value], b, c, d]) => `${a}${key}${b}:${c}${value}${d}`);
const eventText = fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`);
/** As above, with a byte taken out, doubled or replaced. */
const damaged = fc
  .tuple(eventText, fc.nat(), fc.constantFrom('', ',', '"', '}', '{', '0', ' ', '\n', '\\', 'é'))
  .map(([whole, at, put]) => `${whole.slice(0, at % whole.length)}${put}${whole.slice((at % whole.length) + 1)}`);

test('what the scanner takes is what the strict reader reads', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(eventText, damaged), fc.constantFrom('', ',', '}', ' x', '"', '5'), (given, behind) => {
      const bytes = Buffer.from(given + behind);
      const end = Buffer.byteLength(given);
      const scanned = scanEvent(bytes, { at: 0, end }, context);
      if (!scanned) return;
      taken += 1;
      const strict = readEvent(bytes.subarray(0, scanned.end), context);
      expect(strict.ok && { id: undefined, ...strict.value }).toEqual(scanned.event);
      expect(scanned.end).toBeLessThanOrEqual(end);
    }),
    { numRuns: 15_000 },
  );
  expect(taken).toBeGreaterThan(500);
});

test.each([
  '{"time":1795232693264,"amount":"6.046602879796196"}',
  '{"amount": 7.3}',
  '{"time": 1795232693264, "amount": -7.3e-2, "id": "01JD"}',
  '{ "Amount" : "+.5" }',
])('%s needs the scanner only', (text) => {
  expect(scanEvent(Buffer.from(text), { at: 0, end: text.length }, context)?.end).toBe(text.length);
});

test('an event that ends behind its stretch is left to the reader', () => {
  const text = '{"amount":\n5}';
  expect(scanEvent(Buffer.from(text), { at: 0, end: 10 }, context)).toBeUndefined();
  expect(scanEvent(Buffer.from(text), { at: 0, end: text.length - 1 }, context)).toBeUndefined();
});

test('what is written is read as the same event', () => {
  const finite = fc.double({ noDefaultInfinity: true, noNaN: true });
  const event = fc.record({
    time: fc.nat(),
    amount: finite,
    id: fc.option(fc.string({ minLength: 1, maxLength: 128 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(event, fc.constantFrom('string' as const, 'number' as const), (given, encoding) => {
      const again = parse(encodeEvent({ ...given, amountText: '' }, encoding));
      const { time: ms, amount: sum, id } = given;
      expect(again).toEqual({ ok: true, value: { time: ms, amount: sum + 0, amountText: String(sum), ...(id !== undefined && { id }) } });
    }),
  );
});
