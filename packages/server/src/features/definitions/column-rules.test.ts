import { describe, expect, it } from 'vitest';
import { toColumns } from './column-rules.ts';

describe('columns of a mapping', () => {
  it('keep the options of their type, in the order of the contract', () => {
    const columns = toColumns([
      { type: 'body', name: 'raw', path: 'x', rawString: true, template: { language: 'jsonnet', content: '1' } },
      { rawString: true, defaultValue: 'd', path: 'p', name: 'all', type: 'path' },
      { type: 'path', name: 'plain', path: '' },
    ]);
    expect(JSON.stringify(columns)).toBe(
      '[{"type":"body","name":"raw"},{"type":"path","name":"all","path":"p","defaultValue":"d","rawString":true},' +
        '{"type":"path","name":"plain","path":"","rawString":false}]',
    );
  });

  it('keep a template as it was given', () => {
    const template = { language: 'jsonnet', content: " Body('a')\n" } as const;
    const columns = toColumns([
      { template, name: 't', type: 'template' },
      { type: 'template', name: 'raw', path: 'unused', rawString: true, template },
    ]);
    const kept = '"template":{"language":"jsonnet","content":" Body(\'a\')\\n"}}';
    expect(JSON.stringify(columns)).toBe(
      `[{"type":"template","name":"t","rawString":false,${kept},{"type":"template","name":"raw","rawString":true,${kept}]`,
    );
  });

  it.each([
    [undefined, 'Column "t" is missing template.'],
    ['Invalid', 'Column "t" template is invalid: 1:1-8 Unknown variable: Invalid.'],
    ['1 +', 'Column "t" template is invalid: 1:4 Unexpected end of file.'],
  ])('refuse the template %j', (content, message) => {
    const template = content === undefined ? undefined : ({ language: 'jsonnet', content } as const);
    expect(() => toColumns([{ type: 'template', name: 't', template }])).toThrow(expect.objectContaining({ code: 'badRequest', message }));
  });

  it.each([
    [['a', 'b', 'a'], 'Column "a" is there twice, but a table can hold it only once.'],
    [['Straße', 'b', 'straße'], 'Columns "Straße" and "straße" differ only in case, a table cannot hold both.'],
    [[''], 'A column name is empty, but a table needs a name for each column.'],
    [['a\0'], 'A column name has a character that no table can hold.'],
    [['\ud800'], 'A column name has a character that no table can hold.'],
  ])('refuse the names %j', (names, message) => {
    const columns = names.map((name) => ({ type: 'uuid', name }) as const);
    expect(() => toColumns(columns)).toThrow(expect.objectContaining({ code: 'badRequest', message }));
  });
});
