import { jsonName, rootNode } from './document/json-document.ts';
import { readJson } from './document/json-reader.ts';

/** Lower case, no full stop. */
export type Unwrapped = { readonly ok: true; readonly content: Buffer } | { readonly ok: false; readonly reason: string };

/**
 * The value of a member of the JSON object that a body is: its source text, byte for byte, in the memory of the body.
 * The last one where the object repeats the name, as JSON.parse has it; other members are left out.
 */
export function unwrapJson(body: Buffer, name: string): Unwrapped {
  const read = readJson(body);
  if (!read.ok) return read;
  const { document } = read;
  if (!document.isObject(rootNode)) return { ok: false, reason: `the body must be a JSON object with the member "${name}"` };
  const node = document.member(rootNode, jsonName(name));
  if (node === undefined) return { ok: false, reason: `the body has no member "${name}"` };
  const { start, end } = document.place(node);
  return { ok: true, content: body.subarray(start, end) };
}
