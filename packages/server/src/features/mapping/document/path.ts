import { type JsonDocument, type JsonName, jsonName, rootNode } from './json-document.ts';

/**
 * Path of a `path` column, compiled once. Split on `.` and `[`, empty pieces dropped; digits before `]` are an array
 * index, every other piece is an object key. No escapes, so keys that hold `.` or `[` cannot be reached.
 * No pieces at all (`""`, `.`) mean the whole body.
 */
export type BodyPath = readonly (JsonName | number)[];

export function compilePath(path: string): BodyPath {
  return path
    .split(/[.[]/)
    .filter((piece) => piece !== '')
    .map((piece) => (/^\d+\]$/.test(piece) ? Number(piece.slice(0, -1)) : jsonName(piece)));
}

/** The node at the path; a step into the wrong kind of container finds nothing. */
export function findNode(document: JsonDocument, path: BodyPath): number | undefined {
  let node: number | undefined = rootNode;
  for (const step of path) {
    if (node === undefined) return;
    node = typeof step === 'number' ? document.element(node, step) : document.member(node, step);
  }
  return node;
}
