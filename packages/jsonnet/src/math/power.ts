/** `x = mantissa * 2 ** exponent` with a mantissa in [0.5, 1); 0 has the exponent 0. */
export function split(x: number): { readonly mantissa: number; readonly exponent: number } {
  if (x === 0) return { mantissa: x, exponent: 0 };
  const view = new DataView(new ArrayBuffer(8));
  const scale = Math.abs(x) < 2 ** -1022 ? 54 : 0;
  view.setFloat64(0, x * 2 ** scale);
  const exponent = ((view.getUint16(0) >> 4) & 0x7ff) - 1022;
  view.setUint16(0, (view.getUint16(0) & 0x800f) | (1022 << 4));
  return { mantissa: view.getFloat64(0), exponent: exponent - scale };
}

/** `mantissa * 2 ** exponent` without overflow on the way. */
function join(mantissa: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return mantissa * 2 ** half * 2 ** (exponent - half);
}

/**
 * `x ** y` for finite numbers with the roundings of Go's library, whose last digits differ from JavaScript's:
 * squares of the mantissa for the whole part of `y`, and an exponential for the rest.
 */
export function power(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (x === 0 || Math.abs(y) >= 2 ** 63) return x ** y;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  let whole = Math.trunc(Math.abs(y));
  let rest = Math.abs(y) - whole;
  if (rest !== 0 && x < 0) return Number.NaN;
  let result = 1;
  let exponent = 0;
  if (rest !== 0) {
    if (rest > 0.5) {
      rest -= 1;
      whole += 1;
    }
    result = Math.exp(rest * Math.log(x));
  }
  let { mantissa: square, exponent: squareExponent } = split(x);
  for (let left = whole; left !== 0; left = Math.floor(left / 2)) {
    if (Math.abs(squareExponent) > 4096) {
      exponent += squareExponent;
      break;
    }
    if (left % 2 === 1) {
      result *= square;
      exponent += squareExponent;
    }
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square += square;
      squareExponent -= 1;
    }
  }
  return y < 0 ? join(1 / result, -exponent) : join(result, exponent);
}
