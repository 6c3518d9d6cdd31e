import { power, split } from '../math/power.ts';
import { acos, asin, atan, atan2, cos, sin, tan } from '../math/trigonometry.ts';
import { eager, lazy } from '../run/builtin.ts';
import { compare } from '../run/compare.ts';
import { expectBoolean, expectNumber, finite } from '../run/expect.ts';
import { modulo } from '../run/operators.ts';
import { force, typeName, type Value } from '../run/value.ts';
import { stdFault, within } from './std-fault.ts';

const of = (f: (x: number) => number) => eager('x', ([x = null]) => finite(f(expectNumber(x))));
const test = (f: (x: number) => boolean) => eager('x', ([x = null]) => f(expectNumber(x)));

/** A number, or the error of a function whose text stands at `place`. */
function numberOr(value: Value, problem: string, place: string): number {
  if (typeof value === 'number') return value;
  throw stdFault(`${problem}, got ${typeName(value)}`, place);
}

/** Halves away from zero. */
function round(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

function hypot(x: number, y: number): number {
  const larger = Math.max(Math.abs(x), Math.abs(y));
  if (larger === 0) return 0;
  const ratio = Math.min(Math.abs(x), Math.abs(y)) / larger;
  return larger * Math.sqrt(1 + ratio * ratio);
}

const product = (x: Value, factor: number) => finite(expectNumber(x) * factor);

export const maths = {
  abs: eager('n', ([n = null]) => {
    const x = numberOr(n, 'std.abs expected number', '865:7-58');
    return x > 0 ? x : -x;
  }),
  sign: eager('n', ([n = null]) => Math.sign(numberOr(n, 'std.sign expected number', '871:7-59')) + 0),
  max: lazy('a b', ([a = null, b = null], run) => {
    const x = numberOr(force(a, run), 'std.max first param expected number', '881:7-70');
    const y = numberOr(force(b, run), 'std.max second param expected number', '883:7-71');
    return x > y ? x : y;
  }),
  min: lazy('a b', ([a = null, b = null], run) => {
    const x = numberOr(force(a, run), 'std.min first param expected number', '889:7-70');
    const y = numberOr(force(b, run), 'std.min second param expected number', '891:7-71');
    return x < y ? x : y;
  }),
  clamp: lazy('x minVal maxVal', ([value = null, least = null, most = null], run) => {
    const [x, low] = [force(value, run), force(least, run)];
    if (within('896:8-18', () => compare(x, low, run)) < 0) return low;
    const high = force(most, run);
    return within('897:13-23', () => compare(x, high, run)) > 0 ? high : x;
  }),
  ceil: of(Math.ceil),
  floor: of(Math.floor),
  round: of(round),
  sqrt: of(Math.sqrt),
  hypot: eager('x y', ([x = null, y = null]) => finite(hypot(expectNumber(x), expectNumber(y)))),
  pow: eager('x n', ([x = null, n = null]) => finite(power(expectNumber(x), expectNumber(n)))),
  modulo: eager('x y', ([x = null, y = null]) => modulo(x, y)),
  sin: of(sin),
  cos: of(cos),
  tan: of(tan),
  asin: of(asin),
  acos: of(acos),
  atan: of(atan),
  atan2: eager('y x', ([y = null, x = null]) => finite(atan2(expectNumber(y), expectNumber(x)))),
  deg2rad: eager('x', ([x = null]) => within('268:16-26', () => product(x, Math.PI)) / 180),
  rad2deg: eager('x', ([x = null]) => within('269:16-23', () => product(x, 180)) / Math.PI),
  log: of(Math.log),
  log2: eager('x', ([x = null]) => within('271:13-23', () => finite(Math.log(expectNumber(x)))) / Math.LN2),
  log10: eager('x', ([x = null]) => within('272:14-24', () => finite(Math.log(expectNumber(x)))) / Math.LN10),
  exp: of(Math.exp),
  mantissa: of((x) => split(x).mantissa),
  exponent: of((x) => split(x).exponent),
  isEven: test((x) => Math.trunc(x) % 2 === 0),
  isOdd: test((x) => Math.trunc(x) % 2 !== 0),
  isInteger: test((x) => Number.isInteger(x)),
  isDecimal: test((x) => !Number.isInteger(x)),
  xor: eager('x y', ([x = null, y = null]) => expectBoolean(x) !== expectBoolean(y)),
  xnor: eager('x y', ([x = null, y = null]) => expectBoolean(x) === expectBoolean(y)),
};
