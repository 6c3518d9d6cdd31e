import { numberText, stringText } from '../manifest/json-text.ts';
import { expectArray, expectObject } from '../run/expect.ts';
import { indexValue } from '../run/index-value.ts';
import { getField, visibleNames } from '../run/object.ts';
import { Fn, force, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { quoteJson } from '../text/quote.ts';
import { joinStrings } from './arrays.ts';
import { slice } from './slice.ts';
import { stdFault, within } from './std-fault.ts';

/** `std.manifestPython`. */
export function manifestPython(value: Value, run: Run): string {
  run.charge(2);
  if (value === null) return piece('None', run);
  if (typeof value === 'boolean') return piece(value ? 'True' : 'False', run);
  if (typeof value === 'number') return piece(numberText(value, run), run);
  if (typeof value === 'string') return piece(quoteJson(value), run);
  if (value instanceof Fn) throw stdFault('cannot manifest function', '1332:7-39');
  run.enter();
  let text = '';
  if (isItems(value)) {
    for (const item of value) text += (text === '' ? '' : ', ') + piece(manifestPython(force(item, run), run), run);
  } else {
    for (const name of visibleNames(value, run)) {
      text += (text === '' ? '' : ', ') + piece(`${quoteJson(name)}: ${manifestPython(getField(value, name, run), run)}`, run);
    }
  }
  run.depth -= 1;
  return isItems(value) ? `[${text}]` : `{${text}}`;
}

export function manifestPythonVars(value: Value, run: Run): string {
  const object = expectObject(value);
  return visibleNames(object, run)
    .map((name) => `${name} = ${manifestPython(getField(object, name, run), run)}\n`)
    .join('');
}

function piece(text: string, run: Run): string {
  run.output(text.length);
  return text;
}

/** `std.manifestIni`. */
export function manifestIni(value: Value, run: Run): string {
  const object = within('927:5-71', () =>
    within(
      '927:20-29',
      () => within('922:26-52', () => within('1576:5-33', () => expectObject(value)), 'thunk <main_body> from <function <anonymous>>'),
      'thunk from <function <anonymous>>',
    ),
  );
  const isVisible = visibleNames(object, run).includes('main');
  const lines = isVisible ? iniLines(getField(object, 'main', run), run) : [];
  const sections = expectObject(getField(object, 'sections', run));
  for (const name of visibleNames(sections, run)) lines.push(`[${name}]`, ...iniLines(getField(sections, name, run), run));
  return lines.map((line) => piece(`${line}\n`, run)).join('');
}

function iniLines(value: Value, run: Run): string[] {
  const body = expectObject(value);
  return visibleNames(body, run).flatMap((name) => {
    const member = getField(body, name, run);
    const values = isItems(member) ? member : [member];
    run.charge(values.length * 2);
    return values.map((item) => `${name} = ${stringText(force(item, run), run)}`);
  });
}

/** `std.manifestXmlJsonml`. */
export function manifestXml(value: Value, run: Run): string {
  if (!isItems(value)) throw stdFault(`Expected a JSONML value (an array), got ${typeName(value)}`, '1348:7-75');
  return element(value, run);
}

function element(value: Value, run: Run): string {
  run.charge(2);
  if (typeof value === 'string') return piece(value, run);
  run.enter();
  const tag = indexValue(value, 0, run);
  const items = expectArray(value);
  const second = items.length > 1 ? force(items[1] ?? null, run) : null;
  const attributes = second instanceof Obj ? second : undefined;
  const rest = expectArray(slice(items, { from: attributes === undefined ? 1 : 2, to: null, step: null }, run));
  const name = joinStrings('', [tag], run);
  const pairs = attributes === undefined ? [] : visibleNames(attributes, run).map((key) => pair(attributes, key, run));
  const children = rest.map((child) => element(force(child, run), run));
  run.depth -= 1;
  return piece(`<${name}${pairs.join('')}>${children.join('')}</${name}>`, run);
}

function pair(attributes: Obj, key: string, run: Run): string {
  return ` ${key}="${stringText(getField(attributes, key, run), run)}"`;
}
