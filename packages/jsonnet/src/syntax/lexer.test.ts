import { expect, test } from 'vitest';
import { JsonnetError } from '../jsonnet-error.ts';
import { Lexer } from './lexer.ts';

function tokensOf(text: string): string[] {
  const lexer = new Lexer({ name: '', path: '', text });
  const tokens: string[] = [];
  for (;;) {
    const token = lexer.next();
    tokens.push(`${token.kind}:${token.text}`);
    if (token.kind === 'end') return tokens;
  }
}

test.each([
  ['{}[](),.;$', ['{:{', '}:}', '[:[', ']:]', '(:(', '):)', ',:,', '.:.', ';:;', '$:$', 'end:']],
  ['local x1 = importstr_', ['local:local', 'identifier:x1', 'operator:=', 'identifier:importstr_', 'end:']],
  ['1 0.5 1_000 2e-3 0e1', ['number:1', 'number:0.5', 'number:1000', 'number:2e-3', 'number:0e1', 'end:']],
  ['"a\\"b" \'c\' @"d""e" @\'f\'\'\'', ['double:a\\"b', 'single:c', 'verbatim-double:d"e', "verbatim-single:f'", 'end:']],
  ['a // b\n# c\n/* d\n */ e', ['identifier:a', 'identifier:e', 'end:']],
  [
    'a+:b +::: ==- !x',
    [
      'identifier:a',
      'operator:+:',
      'identifier:b',
      'operator:+:::',
      'operator:=',
      'operator:=',
      'operator:-',
      'operator:!',
      'identifier:x',
      'end:',
    ],
  ],
  ['01_0', ['number:0', 'number:10', 'end:']],
  ['a/*b*/c//d', ['identifier:a', 'identifier:c', 'end:']],
  ['|||\n  a\n    b\n\n  c\n|||', ['block:a\n  b\n\nc\n', 'end:']],
  ['|||-  \n\ta\n  |||+1', ['block:a', 'operator:+', 'number:1', 'end:']],
])('%s', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

test.each([
  ['"a', 'Unterminated String'],
  ['@x', "Couldn't lex verbatim string, junk after '@': 120"],
  ['/* a', 'Multi-line comment has no terminating */'],
  ['|||a\n|||', 'Text block requires new line after |||.'],
  ['|||\na\n|||', "Text block's first line must start with whitespace"],
  ['|||\n  a', 'Unexpected EOF'],
  ['|||\n  a\nb', 'Text block not terminated with |||'],
  ['0_1', "Couldn't lex number, _ not allowed after leading 0"],
  ['1.a', "Couldn't lex number, junk after decimal point: 'a'"],
  ['1ex', "Couldn't lex number, junk after 'E': 'x'"],
  ['1e+x', "Couldn't lex number, junk after exponent sign: 'x'"],
  ['1__0', "Couldn't lex number, junk after '_': '_'"],
  ['é', "Could not lex the character '\\u00e9'"],
])('%s is no program', (text, message) => {
  const error = (() => {
    try {
      return tokensOf(text);
    } catch (caught) {
      return caught;
    }
  })();
  expect(error).toBeInstanceOf(JsonnetError);
  expect(error).toMatchObject({ kind: 'lex', message });
});
