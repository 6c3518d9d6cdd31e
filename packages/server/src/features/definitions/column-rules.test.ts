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
