/**
 * Sine and its relatives by the polynomials of the Cephes library (Stephen Moshier), which Go uses: JavaScript's own ones
 * differ from them in the last digit, and all 17 digits are printed.
 */

/** Pi/4 in three parts, for a remainder with more digits than a number has. */
const quarter = [0.7853981256484985, 3.774894707930798e-8, 2.6951514290790595e-15] as const;
/** From here on the remainder needs more digits than three parts have. */
const threshold = 2 ** 29;

const sinPolynomial = [
  1.5896230157654656e-10, -2.5050747762857807e-8, 0.0000027557313621385722, -0.0001984126982958954, 0.008333333333322118,
  -0.1666666666666663,
];
const cosPolynomial = [
  -1.1358536521387682e-11, 2.087570084197473e-9, -2.755731417929674e-7, 0.000024801587288851704, -0.0013888888888873056,
  0.041666666666666595,
];
const tanAbove = [-13093.693918138379, 1153516.6483858742, -17956525.197648488];
const tanBelow = [1, 13681.296347069296, -1320892.3444021097, 25008380.18233579, -53869575.592945464];
const atanAbove = [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025];
const atanBelow = [1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614];

/** The polynomial with these coefficients, highest power first. */
function polynomial(x: number, coefficients: readonly number[]): number {
  let [value = 0] = coefficients;
  for (let index = 1; index < coefficients.length; index += 1) value = value * x + (coefficients[index] ?? 0);
  return value;
}

/** How many eighths of a turn, made even, lie below `x`, and what remains. */
function reduce(x: number): { readonly octant: number; readonly rest: number } {
  let octant = Math.trunc(x * (4 / Math.PI));
  if (octant % 2 === 1) octant += 1;
  const [a, b, c] = quarter;
  return { octant: octant % 8, rest: x - octant * a - octant * b - octant * c };
}

function sinNearZero(rest: number): number {
  const square = rest * rest;
  return rest + rest * square * polynomial(square, sinPolynomial);
}

function cosNearZero(rest: number): number {
  const square = rest * rest;
  return 1 - 0.5 * square + square * square * polynomial(square, cosPolynomial);
}

export function sin(x: number): number {
  if (x === 0 || Math.abs(x) >= threshold) return Math.sin(x);
  const { octant, rest } = reduce(Math.abs(x));
  const value = octant % 4 === 2 ? cosNearZero(rest) : sinNearZero(rest);
  return x < 0 !== octant > 3 ? -value : value;
}

export function cos(x: number): number {
  if (Math.abs(x) >= threshold) return Math.cos(x);
  const { octant, rest } = reduce(Math.abs(x));
  const value = octant % 4 === 2 ? sinNearZero(rest) : cosNearZero(rest);
  return octant === 2 || octant === 4 ? -value : value;
}

export function tan(x: number): number {
  if (x === 0 || Math.abs(x) >= threshold) return Math.tan(x);
  const { octant, rest } = reduce(Math.abs(x));
  const square = rest * rest;
  let value = rest;
  if (square > 1e-14) value = rest + rest * ((square * polynomial(square, tanAbove)) / polynomial(square, tanBelow));
  if (octant % 4 === 2) value = -1 / value;
  return x < 0 ? -value : value;
}

/** For 0 to 0.66. */
function atanSmall(x: number): number {
  const square = x * x;
  return x * ((square * polynomial(square, atanAbove)) / polynomial(square, atanBelow)) + x;
}

/** What pi/2 has beyond a number's digits. */
const more = 6.123233995736766e-17;

function atanPositive(x: number): number {
  if (x <= 0.66) return atanSmall(x);
  if (x > 2.414213562373095) return Math.PI / 2 - atanSmall(1 / x) + more;
  return Math.PI / 4 + atanSmall((x - 1) / (x + 1)) + 0.5 * more;
}

export function atan(x: number): number {
  if (x === 0) return x;
  return x > 0 ? atanPositive(x) : -atanPositive(-x);
}

export function asin(x: number): number {
  if (x === 0 || Math.abs(x) > 1) return Math.asin(x);
  const size = Math.abs(x);
  const root = Math.sqrt(1 - size * size);
  const value = size > 0.7 ? Math.PI / 2 - atanPositive(root / size) : atanPositive(size / root);
  return x < 0 ? -value : value;
}

export function acos(x: number): number {
  return Math.PI / 2 - asin(x);
}

export function atan2(y: number, x: number): number {
  if (y === 0 || x === 0) return Math.atan2(y, x);
  const value = atan(y / x);
  if (x > 0) return value;
  return value <= 0 ? value + Math.PI : value - Math.PI;
}
