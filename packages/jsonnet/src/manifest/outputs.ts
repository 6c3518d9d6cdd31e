import { Fault, passing } from '../run/fault.ts';
import { checkAsserts, getField, visibleNames } from '../run/object.ts';
import { Site } from '../run/site.ts';
import { Fn, force, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { quoteString } from '../text/go-quote.ts';
import { jsonText, lines } from './json-text.ts';

/** The members of an object as files, in order of names, each with its JSON and a last newline. */
export function files(value: Value, run: Run): ReadonlyMap<string, string> {
  return members(value, run, (member) => `${jsonText(member, lines, run)}\n`);
}

/** The members of an object of strings as files with a last newline. */
export function textFiles(value: Value, run: Run): ReadonlyMap<string, string> {
  const wrong: string[] = [];
  const found = members(value, run, (member, name) => {
    if (typeof member === 'string') {
      run.output(member.length);
      return `${member}\n`;
    }
    jsonText(member, lines, run);
    wrong.push(`multi mode: top-level object's key ${name} has a value of type ${goType(member)}, should be a string`);
    return '';
  });
  const [problem] = wrong;
  if (problem !== undefined) throw new Fault(problem);
  return found;
}

function members(value: Value, run: Run, text: (member: Value, name: string) => string): ReadonlyMap<string, string> {
  if (!(value instanceof Obj)) {
    jsonText(value, lines, run);
    throw new Fault(
      `multi mode: top-level object was a ${typeName(value)}, should be an object whose keys are filenames and values hold the JSON for that file.`,
    );
  }
  run.enter();
  checkAsserts(value, run);
  const found = new Map<string, string>();
  for (const name of visibleNames(value, run)) {
    try {
      found.set(name, text(getField(value, name, run), name));
    } catch (error) {
      throw passing(error, Site.inWords(`Field ${quoteString(name)}`));
    }
  }
  run.depth -= 1;
  return found;
}

/** The elements of an array as JSON texts with a last newline. */
export function documents(value: Value, run: Run): readonly string[] {
  if (!isItems(value)) {
    jsonText(value, lines, run);
    throw new Fault(
      `stream mode: top-level object was a ${typeName(value)}, should be an array whose elements hold the JSON for each document in the stream.`,
    );
  }
  run.enter();
  const texts = value.map((item, index) => {
    try {
      return `${jsonText(force(item, run), lines, run)}\n`;
    } catch (error) {
      throw passing(error, Site.inWords(`Array element ${index}`));
    }
  });
  run.depth -= 1;
  return texts;
}

/** The type of manifested data as the reference names it. */
function goType(value: Value): string {
  if (value === null || value instanceof Fn) return '<nil>';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  return isItems(value) ? '[]interface {}' : 'map[string]interface {}';
}
