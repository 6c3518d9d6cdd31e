import { stringText } from '../manifest/json-text.ts';
import { eager } from '../run/builtin.ts';
import type { Run, Value } from '../run/value.ts';
import { quoteJson } from '../text/quote.ts';

/** One pass for each character is faster than a call for each place. */
function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&apos;');
}

/** A function of a value as text; the result is at most `growth` times as long, or takes as much longer. */
function escaping(names: string, change: (text: string) => string, growth: number): ReturnType<typeof eager> {
  return eager(names, ([value = null], run) => escaped(value, { change, growth }, run));
}

function escaped(value: Value, { change, growth }: { change: (text: string) => string; growth: number }, run: Run): string {
  const text = stringText(value, run);
  run.chargeCharacters(text.length * growth);
  const result = change(text);
  run.checkString(result.length);
  return result;
}

export const escapes = {
  escapeStringJson: escaping('str_', quoteJson, 6),
  escapeStringPython: escaping('str', quoteJson, 6),
  escapeStringBash: escaping('str_', (text) => `'${text.replace(/'/g, `'"'"'`)}'`, 5),
  escapeStringDollars: escaping('str_', (text) => text.replace(/\$/g, '$$$$'), 2),
  escapeStringXML: escaping('str_', escapeXml, 16),
};
