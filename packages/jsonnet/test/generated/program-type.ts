/** What an expression of a random program gives. */
export type Type = Plain | ArrayType | ObjectType | FunctionType;

export interface Plain {
  readonly type: 'number' | 'string' | 'boolean' | 'null';
}

export interface ArrayType {
  readonly type: 'array';
  readonly of: Type;
}

export interface ObjectType {
  readonly type: 'object';
  /** Fields that are surely there; others may be. */
  readonly fields: Readonly<Record<string, Type>>;
}

interface FunctionType {
  readonly type: 'function';
  readonly parameters: readonly { readonly name: string; readonly type: Type; readonly hasDefault: boolean }[];
  readonly result: Type;
}

export const number: Plain = { type: 'number' };
export const string: Plain = { type: 'string' };
export const boolean: Plain = { type: 'boolean' };
export const nothing: Plain = { type: 'null' };
export const arrayOf = (of: Type): ArrayType => ({ type: 'array', of });
export const numbers = arrayOf(number);
export const strings = arrayOf(string);
export const someObject: ObjectType = { type: 'object', fields: {} };

/** Whether a value of the one type may stand where the other is wanted. */
export function fits(given: Type, wanted: Type): boolean {
  if (given.type !== wanted.type) return false;
  if (given.type === 'array' && wanted.type === 'array') return fits(given.of, wanted.of);
  if (given.type === 'object' && wanted.type === 'object') {
    return Object.entries(wanted.fields).every(([name, type]) => {
      const own = given.fields[name];
      return own !== undefined && fits(own, type);
    });
  }
  return given.type !== 'function';
}
