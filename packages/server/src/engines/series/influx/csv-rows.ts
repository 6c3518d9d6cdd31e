/** Rows of CSV with `,`, fields in quotes where they need it, and line ends of either kind. An empty line is a row of one empty field. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const fields = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (fields.lastIndex < text.length) {
    const [, quoted, plain = '', end] = fields.exec(text) ?? [];
    // Not CSV from here on.
    if (end === undefined) return rows;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',' && fields.lastIndex < text.length) continue;
    if (end === ',') row.push('');
    rows.push(row);
    row = [];
  }
  return rows;
}

/** The rows of a table by the names in its first row. */
export function csvRecords([names = [], ...rows]: readonly (readonly string[])[]): Record<string, string>[] {
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ''])));
}
