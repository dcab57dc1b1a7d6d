/**
 * Angles of rotary position embeddings (Su et al., "RoFormer", 2021): pair i of a head of d elements turns by
 * θ^(−2i/d) radians per position.
 *
 * The frequency of a pair is computed once, to more than 120 bits in BigInt fixed point; the phase of a position is an
 * integer multiple of it, and sine and cosine follow as in `trigonometry.ts`. So the float32 results are those of the
 * true real angle, not of an angle that was rounded on the way, and equal on every host.
 */
import { LutraError } from '../base/diagnostics.ts';
import { ofMultiple, twoOverPi, twoOverPiFraction, windowDigits, writeWindow } from './trigonometry.ts';

/** Frequencies of one head: for pair i the phase window (quarter turns per position) at `windows[4·i]`…. */
export interface RopeFrequencies {
  readonly headDimension: number;
  readonly theta: number;
  readonly windows: Float64Array;
}

export interface RopeAngle {
  readonly cosine: number;
  readonly sine: number;
}

const maximumTheta = 2 ** 32;
const maximumPosition = 2 ** 24 - 1;

/** Fraction bits of the fixed-point logarithms and exponentials; their errors stay below 2^-150. */
const fraction = 160n;
const one = 1n << fraction;

/** 2·atanh(n/d) = ln((d + n)/(d − n)), for n/d ≤ 1/3. */
function twiceAtanh(numerator: bigint, denominator: bigint): bigint {
  const x = (numerator << fraction) / denominator;
  const square = (x * x) >> fraction;
  let sum = 0n;
  for (let power = x, n = 1n; power !== 0n; power = (power * square) >> fraction, n += 2n) sum += power / n;
  return 2n * sum;
}

const naturalLog2 = twiceAtanh(1n, 3n);

/** ln of a double from 1 to 2^32, in `fraction` bits. */
function naturalLog(theta: number): bigint {
  let mantissa = theta;
  let exponent = 0n;
  while (mantissa >= 2) {
    mantissa /= 2;
    exponent++;
  }
  const m = BigInt(mantissa * 2 ** 52);
  return exponent * naturalLog2 + twiceAtanh(m - 2n ** 52n, m + 2n ** 52n);
}

/** e^−y for y ≥ 0, both in `fraction` bits. */
function exponentialOfNegative(y: bigint): bigint {
  const halvings = y / naturalLog2;
  const rest = y - halvings * naturalLog2;
  let sum = 0n;
  let term = one;
  for (let n = 1n; term !== 0n; n++) {
    sum += term;
    term = -((term * rest) >> fraction) / n;
  }
  return sum >> halvings;
}

function refuse(code: string, message: string, hint: string): never {
  throw new LutraError({ code, message, hint });
}

/**
 * The frequencies of a head: plain data, to be computed once per model.
 * @throws LutraError NUM003 for an odd or absurd head dimension, NUM004 for a θ outside 1…2^32.
 */
export function ropeFrequencies(headDimension: number, theta: number): RopeFrequencies {
  if (!Number.isInteger(headDimension) || headDimension < 2 || headDimension > 65536 || headDimension % 2 !== 0) {
    refuse('NUM003', `${headDimension} is not a head dimension for rotary embedding`, 'an even number up to 65536 is');
  }
  if (!(theta >= 1 && theta <= maximumTheta)) {
    refuse('NUM004', `rotary base theta = ${theta} is out of range`, 'from 1 to 2^32; models use 10000 or 500000');
  }
  const logarithm = naturalLog(theta);
  const pairs = headDimension / 2;
  const windows = new Float64Array(pairs * windowDigits);
  for (let pair = 0; pair < pairs; pair++) {
    const radians = exponentialOfNegative((logarithm * BigInt(2 * pair)) / BigInt(headDimension));
    writeWindow(radians * twoOverPi, Number(fraction) + twoOverPiFraction, windows, pair * windowDigits);
  }
  return { headDimension, theta, windows };
}

/**
 * cos and sin of position·θ^(−2·pair/d), as float32; error `maximumUlp.ropeAngle` of functions.ts.
 * @throws LutraError NUM005 for a position outside 0…2^24−1, NUM006 for a pair outside 0…d/2−1.
 */
export function ropeAngleOf(frequencies: RopeFrequencies, position: number, pair: number): RopeAngle {
  if (!Number.isInteger(position) || position < 0 || position > maximumPosition) {
    refuse('NUM005', `${position} is not a position`, `an integer from 0 to ${maximumPosition} is`);
  }
  const pairs = frequencies.headDimension / 2;
  if (!Number.isInteger(pair) || pair < 0 || pair >= pairs) {
    refuse('NUM006', `head dimension ${frequencies.headDimension} has no pair ${pair}`, `pairs are 0 to ${pairs - 1}`);
  }
  const at = pair * windowDigits;
  return {
    cosine: ofMultiple(position, frequencies.windows, at, 1),
    sine: ofMultiple(position, frequencies.windows, at, 0),
  };
}

/** The head that was asked for last: callers fill a whole table with one head dimension and θ. */
let latest: RopeFrequencies | undefined;

/** `ropeAngleOf` with the frequencies of (`headDimension`, `theta`); errors as there and in `ropeFrequencies`. */
export function ropeAngle(position: number, pairIndex: number, headDimension: number, theta: number): RopeAngle {
  if (latest === undefined || latest.headDimension !== headDimension || latest.theta !== theta) {
    latest = ropeFrequencies(headDimension, theta);
  }
  return ropeAngleOf(latest, position, pairIndex);
}
