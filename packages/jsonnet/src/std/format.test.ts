import { expect, test } from 'vitest';
import { compile } from '../compile.ts';
import { JsonnetError } from '../jsonnet-error.ts';

/** Formats with their text, or the first line of their error, as go-jsonnet 0.22.0 gives them. */
const cases: readonly (readonly [program: string, result: string])[] = [
  ['"%.*d" % []', 'RUNTIME ERROR: Not enough values to format: 0, expected more than 1'],
  ['"%*d" % []', 'RUNTIME ERROR: Not enough values to format: 0, expected at least 0'],
  ['"%-*d" % []', 'RUNTIME ERROR: Not enough values to format: 0, expected more than 1'],
  ['"%-*d" % ["a", 1]', 'RUNTIME ERROR: Unexpected type string, expected number'],
  ['"%*d" % ["a", 1]', 'RUNTIME ERROR: Unexpected type string, expected number'],
  ['"%.*s" % ["a", "b"]', 'b'],
  ['"%.*d" % ["a", "b"]', 'RUNTIME ERROR: Format required number at 1, got string'],
  ['"%-*d|" % [5, 1]', '1    |'],
  ['"%0*d|" % [5, 1]', '00001|'],
  ['"%*.*f|" % [8, 2, 3.14159]', '    3.14|'],
  ['"%-*.*f|" % [8, 2, 3.14159]', '3.14    |'],
  ['"%(a)*d" % {a: 1}', 'RUNTIME ERROR: Cannot use * field width with object.'],
  ['"%(a).*d" % {a: 1}', 'RUNTIME ERROR: Cannot use * precision with object.'],
  ['"%(a).*s" % {a: 1}', '1'],
  ['"%%" % []', '%'],
  ['"%%" % [1]', 'RUNTIME ERROR: Too many values to format: 1, expected 0'],
  ['"%5%|%-5%|" % []', '    %|%    |'],
  ['"%d%%" % 5', '5%'],
  ['"%s" % [[]]', '[ ]'],
  ['"%s" % []', 'RUNTIME ERROR: Not enough values to format: 0, expected more than 0'],
  ['"%s" % null', 'null'],
  ['"abc" % []', 'abc'],
  ['"abc" % 1', 'RUNTIME ERROR: Too many values to format: 1, expected 0'],
  ['"abc" % {}', 'abc'],
  ['"%(a)s %s" % {a: 1}', 'RUNTIME ERROR: Mapping keys required.'],
  ['"%s %(a)s" % [1, 2]', '1 2'],
  ['"% d|%+ d|% +d" % [5, 5, 5]', ' 5|+5|+5'],
  ['"%05d|%-05d|%+05d|% 05d" % [5, 5, 5, 5]', '00005|5    |+0005| 0005'],
  ['"%5.3d|%05.3d" % [5, 5]', '  005|00005'],
  ['"%#x|%#X|%#o|%08x|%#08x" % [255, 255, 8, 255, 255]', '0xff|0XFF|010|000000ff|0x0000ff'],
  ['"%x %x" % [-255, 3.7]', '-ff 3'],
  ['"%d %d" % [-0.5, -1.5]', '0 -1'],
  ['"%o" % -8', '-10'],
  ['"%e|%.0e|%#.0e|%.10e" % [1234.5, 1234.5, 1234.5, 1234.5]', '1.234500e+03|1e+03|1.e+03|1.2345000000e+03'],
  ['"%g|%.3g|%.10g|%#.3g|%g" % [1234.5, 1234.5, 1234.5, 1234.5, 1e-10]', '1234.5|1.23e+03|1234.5|1.23e+03|1e-10'],
  ['"%f|%.0f|%#.0f|%.10f" % [1234.5, 1234.5, 1234.5, 1234.5]', '1234.500000|1235|1235.|1234.5000000000'],
  ['"%015.3f|%+.3f|% .3f|%-15.3f|" % [3.14159, 3.14159, 3.14159, 3.14159]', '00000000003.142|+3.142| 3.142|3.142          |'],
  [
    '"%f" % 1e300',
    '1000000000000000808202880644066688264042266026266448262686660886824482642480402642604824608020806846480802642482840004220882624002648422282404882802048204824486000440820482268208860020480222000642044446660880460482426820042064082406040426248002428044264824840642466020628608860000884488266822640406660.262208',
  ],
  ['"%g %g %g" % [1e5, 1e6, 123456789]', '100000 1000000 1.23457e+08'],
  ['"%hd %ld %Ld" % [1, 2, 3]', '1 2 3'],
  ['"%i %u %c" % [1.9, -1.9, 97]', '1 -1 a'],
  ['"%s" % "é"', 'é'],
  ['"%10s|%-10s|" % ["é😀", "é😀"]', '        é😀|é😀        |'],
  ['"%d" % true', 'RUNTIME ERROR: Format required number at 0, got boolean'],
  ['"%d" % [null]', 'RUNTIME ERROR: Format required number at 0, got null'],
];

test.each(cases)('%j', (program, result) => {
  let got: unknown;
  try {
    got = compile(program).evaluate();
  } catch (error) {
    got = error instanceof JsonnetError ? error.summary : error;
  }
  expect(got).toBe(result);
});
