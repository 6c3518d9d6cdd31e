import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonSource, jsonSource, meaningOf, withMaps } from '../../../test/support/json-arbitrary.ts';
import { compileMapping, defaultMaxRowBytes } from './compile-mapping.ts';
import { templateFault } from './compile-template.ts';
import { type CompiledMapping, columnFaultMessage } from './mapping.ts';
import { IngestRecord } from './record.ts';

const form = 'application/x-www-form-urlencoded';
const receivedAt = Date.UTC(2006, 0, 1, 8, 4, 5, 123);

function recordOf(body: string | Uint8Array, contentType = 'application/json', headers: readonly string[] = []): IngestRecord {
  const rawHeaders = ['Host', 'localhost', 'content-type', contentType, 'Authorization', 'secret', ...headers];
  return new IngestRecord({ receivedAt, clientIp: '1.2.3.4', rawHeaders, body: Buffer.from(body) });
}

interface TemplateOptions {
  readonly rawString?: boolean;
  readonly maxRowBytes?: number;
}

function templateMapping(content: string, { rawString = false, maxRowBytes = defaultMaxRowBytes }: TemplateOptions = {}): CompiledMapping {
  const column = { type: 'template', name: 'c', rawString, template: { language: 'jsonnet', content } } as const;
  return compileMapping([column], { maxRowBytes, uuid: () => 'unused' });
}

/** What the preview shows and the row holds, or the message of the fault. */
function rendered(mapping: CompiledMapping, record: IngestRecord): string {
  const preview = mapping.preview(record);
  const row = mapping.render(record);
  if (!preview.ok) {
    expect(row).toEqual(preview);
    return `${preview.code} ${columnFaultMessage(preview)}`;
  }
  const value = preview.values[0] ?? '';
  expect(row.ok && row.bytes.toString()).toBe(`"${value.replaceAll('"', '""')}"\n`);
  return value;
}

const sample =
  '{"s":"a\\"b","u":"\\u00e9","n":1,"one":1.0,"e":1e3,"big":12345678901234567890,"f":42.1,"t":true,"no":false,"z":null,' +
  '"o" : {"b":1, "a":2},"r":[1,{"x":"y"}],"l":"<&>","d":1,"d":2,"__proto__":{"p":[]},"deep":[[[{"k":"v"}]]]}';

describe('functions', () => {
  const record = () => recordOf(sample, 'application/json', ['x-many', 'one', 'X-Many', 'two', 'x-a', '1', 'X-A-B', '2', 'X-Empty', '']);
  test.each([
    ['Ip()', '"1.2.3.4"'],
    ['Now()', '"2006-01-01T08:04:05.123Z"'],
    [`Now('%Y/%m/%d %f')`, '"2006/01/01 123"'],
    [`Now(format='%H')`, '"08"'],
    ['HeaderStr()', '"Content-Type: application/json\\nX-A-B: 2\\nX-A: 1\\nX-Empty: \\nX-Many: one\\n"'],
    ['Header()', '{"Content-Type":"application/json","X-A":"1","X-A-B":"2","X-Empty":"","X-Many":"one"}'],
    [`Header('')['X-A']`, '"1"'],
    [`Header('x-MANY')`, '"one"'],
    [`Header('x-empty', 'unused')`, '""'],
    [`Header('x-none', 5)`, '5'],
    [`Header(header='x-none', default={a: [null]})`, '{"a":[null]}'],
    [`Header('x-none', null)`, 'null'],
    [`std.length(BodyStr())`, String(sample.length)],
    [`std.parseJson(BodyStr()).one`, '1'],
    [`std.objectFields(Body())`, '["__proto__","big","d","deep","e","f","l","n","no","o","one","r","s","t","u","z"]'],
    [`Body('') == Body() && Body('.') == Body()`, 'true'],
    [`Body('n')`, '1'],
    [`Body('missing', 123)`, '123'],
    [`Body(path='missing', default='def')`, '"def"'],
    [`Body('missing', null)`, 'null'],
    [`Body('z', 'unused')`, 'null'],
    [`Body('d')`, '2'],
    [`Body().__proto__.p`, '[]'],
    [`Body('deep[0][0][0].k') + Body('deep')[0][0][0].k + Body().deep[0][0][0].k`, '"vvv"'],
    [`[Body(p, '-') for p in ['n', 'missing', 'r[0]', 'r[2]', 'o.b']]`, '[1,"-",1,"-",1]'],
    [`std.native('Body')('n') + std.native('Ip')()`, '"11.2.3.4"'],
  ])('%s is %s', (content, value) => {
    expect(rendered(templateMapping(content), record())).toBe(value);
  });

  test.each([
    ['s', '"a\\"b"', 'a"b'],
    ['u', '"é"', 'é'],
    ['n', '1', '1'],
    ['one', '1', '1'],
    ['e', '1000', '1000'],
    ['big', '12345678901234567168', '12345678901234567168'],
    ['f', '42.100000000000001', '42.100000000000001'],
    ['t', 'true', 'true'],
    ['no', 'false', 'false'],
    ['z', 'null', 'null'],
    ['o', '{"a":2,"b":1}', '{"a":2,"b":1}'],
    ['r', '[1,{"x":"y"}]', '[1,{"x":"y"}]'],
    ['l', '"<&>"', '<&>'],
  ])('Body(%j) is %s, and %s as raw string', (path, value, raw) => {
    expect(rendered(templateMapping(`Body('${path}')`), record())).toBe(value);
    expect(rendered(templateMapping(`Body('${path}')`, { rawString: true }), record())).toBe(raw);
  });

  test('a form is a body as well', () => {
    const record = recordOf('a=1&b[]=x&b[]=<y>', form);
    expect(rendered(templateMapping('Body()'), record)).toBe('{"a":"1","b":["x","<y>"]}');
    expect(rendered(templateMapping(`Body('b[1]')`, { rawString: true }), record)).toBe('<y>');
  });

  test('any JSON value is a body', () => {
    for (const body of ['[1,2]', '"text"', 'null', '7']) expect(rendered(templateMapping('Body()'), recordOf(body))).toBe(body);
  });

  test('what needs no parsed body takes any', () => {
    for (const record of [recordOf('{'), recordOf('', ''), recordOf('{}', 'text/plain')]) {
      expect(rendered(templateMapping('BodyStr()', { rawString: true }), record)).toBe(record.body.toString());
    }
  });

  test('bytes that are no UTF-8 are U+FFFD', () => {
    const record = recordOf(Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]));
    expect(rendered(templateMapping(`Body('a') + std.length(BodyStr())`), record)).toBe('"�9"');
  });

  test('a row tells that it holds U+0000', () => {
    const nulOf = (rawString: boolean): unknown => {
      const row = templateMapping(`'a\\u0000'`, { rawString }).render(recordOf(''));
      return row.ok && row.nul;
    };
    expect([nulOf(true), nulOf(false)]).toEqual([true, false]);
  });
});

describe('faults', () => {
  const formError = 'invalid form data: invalid URL escape "%"';
  const types = 'supported types: application/json and application/x-www-form-urlencoded';
  test.each([
    [`Body('a.b')`, recordOf('{}'), 'unprocessableContent path "a.b" not found in the body'],
    [`Header('x-HEADER-3')`, recordOf('{}'), 'unprocessableContent header "X-Header-3" not found'],
    [`Header('authorization')`, recordOf('{}'), 'unprocessableContent header "Authorization" not found'],
    [`Header('host')`, recordOf('{}'), 'unprocessableContent header "Host" not found'],
    [`Body('a', 'no rescue')`, recordOf('{'), 'badRequest cannot parse request body:\n- invalid JSON: unexpected end of the body'],
    ['Body()', recordOf('a=%', form), `badRequest cannot parse request body:\n- ${formError}`],
    [
      'Body()',
      recordOf('{}', 'text/plain'),
      `unsupportedMediaType cannot parse request body:\n- unsupported content type "text/plain", ${types}`,
    ],
    [`Body('a', error 'eager')`, recordOf('{"a":1}'), 'unprocessableContent eager'],
    [`Now('%q')`, recordOf(''), 'unprocessableContent datetime format "%q" is invalid: unknown verb %q'],
    ['Now(5)', recordOf(''), 'unprocessableContent parameter "format" must be a string'],
    ['Header(null)', recordOf(''), 'unprocessableContent parameter "header" must be a string'],
    ['Body(1)', recordOf('{}'), 'unprocessableContent parameter "path" must be a string'],
    ['Ip(1)', recordOf(''), 'unprocessableContent function expected 0 positional argument(s), but got 1'],
    [`import 'x'`, recordOf(''), 'unprocessableContent imports are not enabled'],
    ['Body().n.x', recordOf('{"n":{}}'), 'unprocessableContent Field does not exist: x'],
    ['local f(n) = 1 + f(n + 1); f(0)', recordOf(''), 'unprocessableContent max stack frames exceeded'],
    ['local f(n) = f(n + 1) tailstrict; f(0)', recordOf(''), 'unprocessableContent max steps exceeded'],
    ['std.range(0, 1e9)', recordOf(''), 'unprocessableContent array too long'],
    ['std.repeat("x", 9e6)', recordOf(''), 'unprocessableContent string too long'],
    [`Body('n')`, recordOf('{"n":1e999}'), 'unprocessableContent Overflow'],
  ])('%s: %#', (content, record, fault) => {
    const [code, reason] = [fault.slice(0, fault.indexOf(' ')), fault.slice(fault.indexOf(' ') + 1)];
    expect(rendered(templateMapping(content), record)).toBe(`${code} Invalid value for column "c": ${reason}.`);
  });

  test('a reason is short, whatever the record brings', () => {
    const message = rendered(templateMapping(`error Body('a')`), recordOf(JSON.stringify({ a: '😀'.repeat(100_000) })));
    expect(message.length).toBeLessThan(1100);
    expect(message).toMatch(/😀�…\.$|😀…\.$/u);
  });

  test('the row limit names the column', () => {
    const fault = templateMapping('BodyStr()', { maxRowBytes: 10 }).render(recordOf('x'.repeat(20)));
    expect(fault).toMatchObject({ ok: false, column: 'c', code: 'payloadTooLarge' });
  });

  test.each([
    `Body('text')`,
    `Body('none', '')`,
    `Body('${'x.'.repeat(1000)}', '')`,
    'BodyStr()',
    'HeaderStr()',
    `Header('${'x'.repeat(2000)}', '')`,
    `Now('${'%y'.repeat(1000)}')`,
  ])('what is read again is paid for again: %#', (call) => {
    const body = JSON.stringify({ items: Array.from({ length: 2000 }, (_, index) => index), text: 't'.repeat(10_000) });
    const record = recordOf(body, 'application/json', ['x-long', 'v'.repeat(4000)]);
    const contentOf = (inner: string) => `std.length([x for x in std.range(1, 60000) if std.type(${inner}) == ''])`;
    expect(rendered(templateMapping(contentOf(`''`)), record)).toBe('0');
    expect(rendered(templateMapping(contentOf(call)), record)).toBe(
      'unprocessableContent Invalid value for column "c": max steps exceeded.',
    );
  });

  test('a part of the body is paid for once, also where another column has decoded it', () => {
    const recordWith = (members: number) =>
      recordOf(JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, index) => [`k${index}`, 0]))), 'application/json');
    const twice = templateMapping('[std.type(Body()), std.type(Body())]');
    expect(rendered(twice, recordWith(70_000))).toBe('["object","object"]');
    const large = recordWith(120_000);
    for (let column = 0; column < 2; column += 1) {
      expect(rendered(twice, large)).toBe('unprocessableContent Invalid value for column "c": max steps exceeded.');
    }
  });
});

test.each([
  ['Invalid', '1:1-8 Unknown variable: Invalid'],
  ['{\n  a: Body(b) }', '2:11-12 Unknown variable: b'],
  ['1 +', '1:4 Unexpected end of file'],
  ['"open', '1:1 Unterminated String'],
])('%j is no template: %s', (content, fault) => {
  expect(templateFault(content)).toBe(fault);
});

test.each(["Body('never') + error 'x'", "import 'x'", 'Ip(1, 2)', 'std.extVar("x")', `${'('.repeat(2000)}1${')'.repeat(2000)}`])(
  'only what can be told without a record makes a template invalid: %#',
  (content) => {
    expect(templateFault(content)).toBeUndefined();
  },
);

/** Steps from the root to the value, and a document around it. */
const place = fc.array(fc.oneof(fc.constantFrom('a', 'b b', '__proto__', 'é', '"', '0'), fc.nat({ max: 3 })), { maxLength: 4 });

function wrap(value: string, steps: readonly (string | number)[]): string {
  return steps.reduceRight<string>((inner, step) => {
    if (typeof step === 'number') return `[${'null,'.repeat(step)}${inner} , 1]`;
    return `{"${step === 'a' ? 'b' : 'a'}":[], ${JSON.stringify(step)}: 0,${JSON.stringify(step)}: ${inner}}`;
  }, value);
}

const pathText = (steps: readonly (string | number)[]): string =>
  steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');

const fitsDoubles = (source: JsonSource): boolean => !/Infinity/.test(inspect(meaningOf(source), { depth: 10 }));

test('a template of one path means what the path column means', () => {
  fc.assert(
    fc.property(jsonSource.filter(fitsDoubles), place, fc.boolean(), (source, steps, misses) => {
      const path = pathText(misses ? [...steps, 'not there'] : steps);
      const record = recordOf(wrap(source.spaced, steps));
      for (const rawString of [false, true]) {
        const column = compileMapping([{ type: 'path', name: 'c', path, rawString }], { maxRowBytes: 1e6, uuid: () => '' });
        const byPath = rendered(column, record);
        const byTemplate = rendered(templateMapping(`Body(${JSON.stringify(path)})`, { rawString }), record);
        if (misses || (rawString && source.compact.startsWith('"'))) expect(byTemplate).toBe(byPath);
        else {
          expect(byPath).toBe(source.compact);
          expect(withMaps(JSON.parse(byTemplate))).toEqual(meaningOf(source));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('columns and sinks share a record without a trace in each other', () => {
  const contents = [`Body('o')`, 'Body()', `Body('deep')`, `Body('deep[0]') + Body('r')`, 'Header()', `Body('o') + {c: 3}`];
  const columns = contents.map((content, index) => {
    return { type: 'template', name: `c${index}`, rawString: false, template: { language: 'jsonnet', content } } as const;
  });
  const alone = contents.map((content) => rendered(templateMapping(content), recordOf(sample)));
  const record = recordOf(sample);
  const options = { maxRowBytes: defaultMaxRowBytes, uuid: () => '' };
  const mapping = compileMapping(columns, options);
  const reversed = compileMapping(columns.toReversed(), options);
  for (let round = 0; round < 2; round += 1) {
    expect(mapping.preview(record)).toEqual({ ok: true, values: alone });
    expect(reversed.preview(record)).toEqual({ ok: true, values: alone.toReversed() });
    record.forgetDerived();
  }
});
