import { passing } from '../run/fault.ts';
import { fieldValue, hasFieldFrom } from '../run/object.ts';
import { plus } from '../run/operators.ts';
import { Site, Surroundings } from '../run/site.ts';
import type { Code, Field, Slot } from '../run/value.ts';
import type { FieldNode } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import { constantOf, unwrap } from './lazy.ts';

/** The body of a field, compiled for the frame of its object; `name` is known when the object is made. */
export interface FieldBody {
  readonly code: (name: string) => Code;
  /** Its value where that is the same in every object. */
  readonly value: Slot | undefined;
}

/** A field that its part evaluates. */
export interface CodeField extends Field {
  readonly code: Code;
}

export function isCodeField(field: Field): field is CodeField {
  return 'code' in field;
}

export function fieldBody(build: Build, field: FieldNode, at: At): FieldBody {
  const code = build.code(field.body, at);
  if (!field.plus) return { code: () => code, value: constantOf(field.body) };
  const body = unwrap(field.body);
  // The reference forgets where an assertion stands.
  const site = body.kind === 'assert' ? Site.inWords('', '+:') : Site.inSource(build.source, body, new Surroundings('+:'));
  return { code: (name) => plusCode(name, code, site), value: undefined };
}

export function makeField(name: string, { visibility }: FieldNode, body: FieldBody): CodeField {
  const code = body.code(name);
  return body.value === undefined ? { name, visibility, code } : { name, visibility, code, value: body.value };
}

/** `name+: body`: the value of the part below, if it has the field, and the body. */
function plusCode(name: string, body: Code, site: Site): Code {
  return (frame, run) => {
    try {
      run.enter();
      const right = body(frame, run);
      run.depth -= 1;
      const { self, level } = frame;
      if (self === undefined || !hasFieldFrom(self, level + 1, { name, run })) return right;
      return plus(fieldValue(self, name, { level: level + 1, run }), right, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}
