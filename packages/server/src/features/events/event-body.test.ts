import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventBody, type EventBodyOptions, EventBodyParser } from './event-body.ts';
import { chunkValues } from './event-chunk.ts';

const defaults: EventBodyOptions = {
  form: 'json',
  context: { arrivalMs: 1000, maxFutureSkewMs: 0 },
  encoding: 'string',
  passthrough: false,
  maxEvents: 500_000,
};

function parse(text: string, options: Partial<EventBodyOptions> = {}, pieces: readonly number[] = []): EventBody {
  const parser = new EventBodyParser({ ...defaults, ...options });
  const bytes = Buffer.from(text);
  let at = 0;
  for (const length of pieces) {
    parser.push(bytes.subarray(at, at + length));
    at += length;
  }
  parser.push(bytes.subarray(at));
  return parser.end();
}

/** Values, indexes and refusals in short. */
function summary(body: EventBody): unknown {
  if (body.type !== 'events') return body.type === 'malformed' ? body.reason : body.type;
  const { chunks, rejected, errors } = body;
  const values = chunks.flatMap((chunk) => chunkValues(chunk).map(String));
  return { values, indexes: chunks.flatMap(({ indexes }) => [...indexes]), rejected, errors };
}

const one = '{"time":1,"amount":"5"}';
const two = '{"time":2,"amount":"-7.5"}';
const both = { values: [one, two], indexes: [0, 1], rejected: 0, errors: [] };
const none = { values: [], indexes: [], rejected: 0, errors: [] };

describe('JSON', () => {
  test.each([
    [`[${one},${two}]`, both],
    [` [ ${one} , {"amount":-7.50,"Time":2} ] \n`, both],
    [one, { ...both, values: [one], indexes: [0] }],
    ['{"amount": 7.3}', { ...none, values: ['{"time":1000,"amount":"7.3"}'], indexes: [0] }],
    ['[]', none],
    ['null', none],
    [' null ', none],
    ['', 'EOF'],
    [' \n', 'EOF'],
    ['[', 'unexpected EOF'],
    [`[${one}`, 'unexpected EOF'],
    [`[${one},`, 'unexpected EOF'],
    ['[{"amount":"5', 'unexpected EOF'],
    ['{"amount":5', 'unexpected EOF'],
    ['"abc', 'unexpected EOF'],
    ['5', 'the body must be an array of events, or one event'],
    ['nulls', 'the body must be an array of events, or one event'],
    [`[${one}] x`, 'unexpected data behind the events'],
    [`${one}\n${two}`, 'unexpected data behind the events'],
    [`[${one} ${two}]`, 'expected a comma or ] behind an event'],
    [`[${one},]`, 'event 1 is not valid JSON'],
    ['[,]', 'event 0 is not valid JSON'],
    ['[}', 'event 0 is not valid JSON'],
    ['[{"amount":1]}]', 'event 0 is not valid JSON'],
    ['[{"amount":05}]', 'event 0 is not valid JSON'],
  ])('%j', (text, expected) => {
    expect(summary(parse(text))).toEqual(expected);
  });

  test('refused events are named by their place, the others are kept', () => {
    expect(summary(parse(`[${one},{"amount":"x"},5,${two},{"amount":1,"time":1001}]`))).toEqual({
      values: [one, two],
      indexes: [0, 3],
      rejected: 3,
      errors: [
        { index: 1, reason: 'amount "x" is no decimal number' },
        { index: 2, reason: 'an event must be a JSON object' },
        { index: 4, reason: 'time 1001 is more than 0 ms ahead' },
      ],
    });
  });

  test('amounts are written as numbers where that is asked for', () => {
    expect(summary(parse('{"time":2,"amount":"7.50"}', { encoding: 'number' }))).toMatchObject({ values: ['{"time":2,"amount":7.5}'] });
  });
});

describe('lines', () => {
  test.each([
    [`${one}\n${two}`, both],
    [`\n  ${one} \r\n\n{"amount":-7.50,"Time":2}\n\n`, both],
    ['', none],
    ['\n \n', none],
    [`${one}\n{"amount":\n5}\n`, { values: [one], indexes: [0], rejected: 2, errors: expect.anything() }],
    [`${one} ${one}\n${two}`, { values: [two], indexes: [1], rejected: 1, errors: [{ index: 0, reason: 'not valid JSON' }] }],
    [`[${one}]`, { values: [], indexes: [], rejected: 1, errors: [{ index: 0, reason: 'an event must be a JSON object' }] }],
  ])('%j', (text, expected) => {
    expect(summary(parse(text, { form: 'lines' }))).toEqual(expected);
  });

  test('are taken as they are where they are only passed on', () => {
    const body = parse(` nonsense \n\n${one}\r\n`, { form: 'lines', passthrough: true });
    expect(summary(body)).toEqual({ values: ['nonsense', one], indexes: [0, 1], rejected: 0, errors: [] });
  });
});

const long = `{"amount":1,"x":"${'x'.repeat(65_536)}"}`;

test.each([
  ['json', `[${one},${long},${two}]`],
  ['json', `[${one},{"amount":1,"x":"${'x'.repeat(300_000)}`],
  ['lines', `${one}\n${long}\n${two}`],
  ['lines', `${one}\n${'x'.repeat(300_000)}`],
] as const)('an event of more than 64 KiB spoils the body (%s)', (form, text) => {
  for (const pieces of [[], [10, 70_000, 70_000, 70_000]])
    expect(summary(parse(text, { form }, pieces))).toBe('event 1 is larger than 65536 bytes');
});

test.each(['json', 'lines'] as const)('more events than allowed are refused (%s)', (form) => {
  const events = (count: number) => Array.from({ length: count }, () => one).join(form === 'json' ? ',' : '\n');
  const body = (count: number) => (form === 'json' ? `[${events(count)}]` : events(count));
  expect(summary(parse(body(3), { form, maxEvents: 3 }))).toMatchObject({ rejected: 0 });
  expect(summary(parse(body(4), { form, maxEvents: 3 }))).toBe('tooMany');
});

test('errors are counted all, and named up to a hundred', () => {
  const body = parse(`[${Array.from({ length: 150 }, () => '{}').join(',')}]`);
  expect(body).toMatchObject({ type: 'events', accepted: 0, rejected: 150 });
  expect(body.type === 'events' && body.errors).toHaveLength(100);
});

test('a chunk has at most 10,000 values, and none is empty', () => {
  for (const [count, sizes] of [
    [0, []],
    [10_000, [10_000]],
    [25_001, [10_000, 10_000, 5001]],
  ] as const) {
    const body = parse(`[${Array.from({ length: count }, () => one).join(',')}]`);
    expect(body.type === 'events' && body.chunks.map(({ ends }) => ends.length)).toEqual(sizes);
  }
});

test('nothing is taken behind a fault, and nothing held', () => {
  const parser = new EventBodyParser(defaults);
  expect(parser.push(Buffer.alloc(200_000, 'x'))).toBe(false);
  expect(parser.push(Buffer.from('[]'))).toBe(false);
  expect(parser.heldBytes).toBeLessThan(20_000);
  expect(parser.end().type).toBe('malformed');
});

test('how the bytes come does not matter', () => {
  const item = fc.constantFrom(one, two, '{"amount":1e2, "id":"é"}', '{"amount":null}', '7', '{"x":{"y":[1,"}"]},"amount":3}');
  // Long bodies in large pieces, so that events are read before the end has come.
  const items = fc.array(item, { minLength: 3, maxLength: 6 }).map((some) => Array.from({ length: 5000 }, () => some).flat());
  const pieceBytes = fc.integer({ min: 3000, max: 180_000 });
  fc.assert(
    fc.property(items, pieceBytes, fc.constantFrom('json' as const, 'lines' as const), (texts, length, form) => {
      const body = form === 'json' ? `[${texts.join(' , ')}]` : texts.join('\n');
      const pieces = Array.from({ length: Math.floor(body.length / length) }, () => length);
      expect(summary(parse(body, { form }, pieces))).toEqual(summary(parse(body, { form })));
    }),
    { numRuns: 10 },
  );
});
