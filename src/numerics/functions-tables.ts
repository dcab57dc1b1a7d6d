/**
 * Coefficient tables of the piecewise quadratic functions, as integers for a ROM.
 *
 * An interval of width h has its middle at s = 0; the function there is c0 + (c1 + c2·s)·s. The quadratic goes through
 * the function at the three Chebyshev nodes of the interval (s = 0, ±h·√3/4), which is within a few per cent of the
 * minimax quadratic: its error is at most |f'''|·h³/192. c2 and c1 are rounded to their widths first; then c0 is
 * placed so that the largest positive and negative remaining errors are equal, together with half a unit for each of
 * the truncations that the evaluation makes. (Piños, Oberman et al., "High-Speed Function Approximation Using a
 * Minimax Quadratic Interpolator", IEEE TC 2005, describe the same hardware structure.)
 *
 * Only +, −, ×, ÷ and √ of doubles are used, so that every host computes the same integers.
 */

export interface QuadraticShape {
  readonly entries: number;
  /** Width of an interval in the unit of the function's argument. */
  readonly width: number;
  /** Fraction bits of each coefficient; `fraction0` is also the format of the result. */
  readonly fraction0: number;
  readonly fraction1: number;
  readonly fraction2: number;
  /** Taken off c1 before it is stored, where the evaluation adds `slopeOffset`·s by itself. 0 unless given. */
  readonly slopeOffset?: number;
}

export interface QuadraticTable extends QuadraticShape {
  readonly c0: Float64Array;
  readonly c1: Int32Array;
  readonly c2: Int32Array;
}

/** Builds the table of `f(entry, t)`, t = 0…width being the distance from the lower end of the entry's interval. */
export function quadraticTable(shape: QuadraticShape, f: (entry: number, t: number) => number): QuadraticTable {
  const { entries, width, fraction0, fraction1, fraction2, slopeOffset = 0 } = shape;
  const c0 = new Float64Array(entries);
  const c1 = new Int32Array(entries);
  const c2 = new Int32Array(entries);
  const node = (width * Math.sqrt(3)) / 4;
  for (let entry = 0; entry < entries; entry++) {
    const at = (s: number): number => f(entry, width / 2 + s);
    const [below, middle, above] = [at(-node), at(0), at(node)];
    c2[entry] = Math.round(((below + above - 2 * middle) / (2 * node * node)) * 2 ** fraction2);
    c1[entry] = Math.round(((above - below) / (2 * node) - slopeOffset) * 2 ** fraction1);
    const slope = slopeOffset + c1[entry]! * 2 ** -fraction1;
    const curve = c2[entry]! * 2 ** -fraction2;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let sample = -32; sample <= 32; sample++) {
      const s = (sample * width) / 64;
      const rest = at(s) - (slope + curve * s) * s;
      least = Math.min(least, rest);
      most = Math.max(most, rest);
    }
    // The slope's truncation is a bias of s·2^-fraction1/2, odd in s; the product's is half a unit of the result.
    c0[entry] = Math.round(((least + most) / 2) * 2 ** fraction0 + 0.5);
  }
  return { ...shape, c0, c1, c2 };
}

const naturalLog2 = Math.LN2;

/** 2^t for 0 ≤ t ≤ 1 by its Taylor series (24 terms: below one unit in the last place of a double). */
export function exp2Series(t: number): number {
  const x = t * naturalLog2;
  let sum = 1;
  for (let n = 24; n >= 1; n--) sum = 1 + (sum * x) / n;
  return sum;
}

const halfPi = Math.PI / 2;

/** sin(r·π/2)/r as a function of z = r², for 0 ≤ z ≤ 1/4. */
export function sineQuotientSeries(z: number): number {
  const x2 = z * halfPi * halfPi;
  let sum = 1;
  for (let n = 20; n >= 2; n -= 2) sum = 1 - (sum * x2) / (n * (n + 1));
  return sum * halfPi;
}

/** cos(r·π/2) as a function of z = r², for 0 ≤ z ≤ 1/4. */
export function cosineSeries(z: number): number {
  const x2 = z * halfPi * halfPi;
  let sum = 1;
  for (let n = 20; n >= 2; n -= 2) sum = 1 - (sum * x2) / (n * (n - 1));
  return sum;
}
