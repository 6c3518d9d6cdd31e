import { stringText } from '../manifest/json-text.ts';
import { eager } from '../run/builtin.ts';
import type { Run, Value } from '../run/value.ts';
import { quoteJson } from '../text/quote.ts';

const entities: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' };

/** A function of a value as text; the result is at most `growth` times as long. */
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
  escapeStringBash: escaping('str_', (text) => `'${text.replaceAll("'", `'"'"'`)}'`, 5),
  escapeStringDollars: escaping('str_', (text) => text.replaceAll('$', '$$$$'), 2),
  escapeStringXML: escaping('str_', (text) => text.replace(/[<>&"']/g, (character) => entities[character] ?? character), 6),
};
