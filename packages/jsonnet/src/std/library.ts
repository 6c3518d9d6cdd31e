import type { Builtin } from '../run/builtin.ts';
import type { Value } from '../run/value.ts';
import { arrays } from './arrays.ts';
import { encodings } from './encodings.ts';
import { escapes } from './escapes.ts';
import { folds } from './folds.ts';
import { formatting } from './format.ts';
import { host } from './host.ts';
import { manifests } from './manifests.ts';
import { maths } from './maths.ts';
import { merging } from './merging.ts';
import { objects } from './objects.ts';
import { parsers } from './parsers.ts';
import { searches } from './searches.ts';
import { sets } from './sets.ts';
import { splits } from './splits.ts';
import { strings } from './strings.ts';
import { types } from './types.ts';

const functions: readonly Readonly<Record<string, Builtin>>[] = [
  arrays,
  encodings,
  escapes,
  folds,
  formatting,
  host,
  manifests,
  maths,
  merging,
  objects,
  parsers,
  searches,
  sets,
  splits,
  strings,
  types,
];

/** Everything in `std` but `thisFile`, which each source has of its own. */
export const library: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['pi', Math.PI],
  ...functions.flatMap((group) => Object.entries(group)),
]);
