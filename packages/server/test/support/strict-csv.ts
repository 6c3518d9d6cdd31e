const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;

/**
 * Reads CSV as `TableEngine` expects it: every field quoted, `"` doubled, `,` between, `\n` behind the row.
 * The fields as bytes; throws at the first byte that deviates.
 */
export function readStrictCsv(text: Uint8Array): Buffer[][] {
  const rows: Buffer[][] = [];
  const row: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] !== quote) throw new Error(`expected a quote at byte ${at}`);
    const field: number[] = [];
    for (at += 1; text[at] !== quote || text[at + 1] === quote; at += 1) {
      if (at >= text.length) throw new Error('the last field has no end');
      if (text[at] === quote) at += 1;
      field.push(text[at] ?? 0);
    }
    row.push(Buffer.from(field));
    const separator = text[at + 1];
    if (separator !== comma && separator !== lineFeed) throw new Error(`expected a separator at byte ${at + 1}`);
    if (separator === lineFeed) rows.push(row.splice(0));
    at += 2;
  }
  if (row.length > 0) throw new Error('the last row has no end');
  return rows;
}
