import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goQuote } from './go-quote.ts';

describe('quoted values', () => {
  it.each([
    ['plain text', '"plain text"'],
    ['a "b" \\', '"a \\"b\\" \\\\"'],
    ['line\nend\t\x07', '"line\\nend\\t\\a"'],
    ['ž😀', '"ž😀"'],
    ['\0\x1f\x7f', '"\\x00\\x1f\\x7f"'],
    ['\u00a0\u2028\u{e0001}', '"\\u00a0\\u2028\\U000e0001"'],
    ['\ud800', '"\ufffd"'],
  ])('%j', (text, quoted) => {
    expect(goQuote(text)).toBe(quoted);
  });

  it('stay on one line and end where they should', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(goQuote(text)).toMatch(/^"(?:[^"\\\p{C}]|\\.)*"$/u);
      }),
    );
  });
});
