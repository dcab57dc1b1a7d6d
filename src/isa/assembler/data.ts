/** The contents of memory as written in a program: lists, repetitions, ramps and seeded pseudo-random values. */
import type { Cursor, Scope, Value } from './expression.ts';
import { evaluate } from './expression.ts';

/** How the elements of a directive are stored. */
interface ElementType {
  readonly integer: boolean;
  /** Smallest and largest integer, or the default range of `random` for floats. */
  readonly low: number;
  readonly high: number;
  /** Appends the elements, little-endian. */
  readonly pack: (values: readonly number[]) => Uint8Array;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Bits of the nearest float with these widths, ties to even, subnormals kept, one NaN. */
function smallFloatBits(value: number, exponentBits: number, mantissaBits: number): number {
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = high >>> 31;
  const infinity = ((1 << exponentBits) - 1) << mantissaBits;
  const signBit = sign << (exponentBits + mantissaBits);
  if (Number.isNaN(value)) return infinity | (1 << (mantissaBits - 1));
  const least = 2 - (1 << (exponentBits - 1));
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, least);
  // Division by a power of two is exact, so the only rounding is this one.
  const scaled = Math.abs(value) / 2 ** (exponent - mantissaBits);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  const bits = (exponent - least) * 2 ** mantissaBits + rounded;
  return signBit | (bits >= infinity || !Number.isFinite(bits) ? infinity : bits);
}

function packed(bytes: number, write: (view: DataView, offset: number, value: number) => void) {
  return (values: readonly number[]) => {
    const result = new Uint8Array(values.length * bytes);
    const view = new DataView(result.buffer);
    values.forEach((value, index) => {
      write(view, index * bytes, value);
    });
    return result;
  };
}

function integers(bits: 8 | 16 | 32, signed: boolean): ElementType {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const write = (view: DataView, offset: number, value: number) => {
    if (bits === 8) view.setUint8(offset, value);
    else if (bits === 16) view.setUint16(offset, value, true);
    else view.setUint32(offset, value, true);
  };
  return { integer: true, low, high: low + 2 ** bits - 1, pack: packed(bits / 8, write) };
}

function halfFloats(exponentBits: number, mantissaBits: number): ElementType {
  const pack = packed(2, (view, offset, value) =>
    view.setUint16(offset, smallFloatBits(value, exponentBits, mantissaBits), true),
  );
  return { integer: false, low: -1, high: 1, pack };
}

const float32: ElementType = {
  integer: false,
  low: -1,
  high: 1,
  pack: packed(4, (view, offset, value) => view.setFloat32(offset, value, true)),
};

/** Five ternary digits to a byte, first digit most significant, padded with weight 0 (docs/machine.md, matmul engine). */
function packTrits(values: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(values.length / 5) }, (_, byte) =>
    [0, 1, 2, 3, 4].reduce((sum, digit) => sum * 3 + (values[byte * 5 + digit] ?? 0) + 1, 0),
  );
}

/** Eight binary digits to a byte, first digit least significant, padded with 0. */
function packBits(values: readonly number[]): Uint8Array {
  const result = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, index) => {
    result[index >> 3] = (result[index >> 3] as number) | (value << (index & 7));
  });
  return result;
}

/** Directives that store elements, by name. */
export const elementTypes: ReadonlyMap<string, ElementType> = new Map(
  Object.entries({
    '.i8': integers(8, true),
    '.u8': integers(8, false),
    '.i16': integers(16, true),
    '.u16': integers(16, false),
    '.i32': integers(32, true),
    '.u32': integers(32, false),
    '.f32': float32,
    '.f16': halfFloats(5, 10),
    '.bf16': halfFloats(8, 7),
    '.trits': { integer: true, low: -1, high: 1, pack: packTrits },
    '.bits': { integer: true, low: 0, high: 1, pack: packBits },
  }),
);

/** Elements that one program may hold. */
const mostElements = 2 ** 26;

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** 32 pseudo-random bits: the sampler’s hash of docs/machine.md. */
function hash(seed: number, step: number): number {
  return mix(seed ^ mix((step + 0x9e3779b9) | 0));
}

/** Reads the list of a data directive; throws the errors of expressions, ASM007 (range) and ASM015 (too much). */
export function readElements(directive: string, cursor: Cursor, scope: Scope): Uint8Array {
  const type = elementTypes.get(directive) as ElementType;
  const values: number[] = [];
  do readItem(type, cursor, scope, values);
  while (cursor.take(','));
  cursor.expectEnd();
  return type.pack(values);
}

function readItem(type: ElementType, cursor: Cursor, scope: Scope, values: number[]): void {
  const { token, following } = cursor;
  const generator = following.type === 'symbol' && following.text === '(' ? generators.get(token.text) : undefined;
  if (token.type !== 'name' || !generator) {
    values.push(element(type, cursor, scope));
    return;
  }
  cursor.next();
  cursor.expect('(');
  const length = whole(cursor, scope, 0, mostElements - values.length);
  const arguments_: number[] = [];
  while (cursor.take(',')) {
    arguments_.push(
      arguments_.length === 0 && token.text === 'random'
        ? whole(cursor, scope, 0, 0xffffffff)
        : element(type, cursor, scope, false),
    );
  }
  cursor.expect(')');
  const { least, most, usage } = generator;
  if (arguments_.length < least || arguments_.length > most) {
    throw cursor.error('ASM011', `${token.text} is written ${usage}`, undefined, token);
  }
  for (let index = 0; index < length; index++) {
    const value = generator.value(index, arguments_, type);
    if (type.integer && (value < type.low || value > type.high)) {
      throw cursor.error('ASM007', `${value} is not from ${type.low} to ${type.high}`, undefined, token);
    }
    values.push(value);
  }
}

interface Generator {
  readonly usage: string;
  /** Arguments after the length. */
  readonly least: number;
  readonly most: number;
  readonly value: (index: number, arguments_: readonly number[], type: ElementType) => number;
}

const generators: ReadonlyMap<string, Generator> = new Map<string, Generator>(
  Object.entries({
    repeat: { usage: 'repeat(length, value)', least: 1, most: 1, value: (_, [value]) => value as number },
    ramp: {
      usage: 'ramp(length, first, step)',
      least: 2,
      most: 2,
      value: (index, [first, step]) => (first as number) + index * (step as number),
    },
    random: {
      usage: 'random(length, seed) or random(length, seed, low, high)',
      least: 1,
      most: 3,
      value: (index, [seed, low, high], type) => {
        const from = low ?? type.low;
        const to = high ?? type.high;
        const bits = hash(seed as number, index);
        return type.integer
          ? from + Math.floor((bits * (to - from + 1)) / 2 ** 32)
          : from + ((to - from) * (bits >>> 8)) / 2 ** 24;
      },
    },
  } satisfies Record<string, Generator>),
);

/** One element as a number; `bounded` refuses integers that the type cannot hold. */
function element(type: ElementType, cursor: Cursor, scope: Scope, bounded = true): number {
  const { token } = cursor;
  const value: Value = evaluate(cursor, scope);
  if (!type.integer) return value.type === 'bits' ? floatOfBits(value.value) : Number(value.value);
  if (value.type !== 'integer') throw cursor.error('ASM012', 'an integer is needed here', undefined, token);
  const number = Number(value.value);
  if (bounded && (number < type.low || number > type.high)) {
    throw cursor.error('ASM007', `${number} is not from ${type.low} to ${type.high}`, undefined, token);
  }
  return number;
}

function floatOfBits(bits: bigint): number {
  scratch.setUint32(0, Number(bits));
  return scratch.getFloat32(0);
}

/** An integer in a range; throws ASM007 or ASM012. */
export function whole(cursor: Cursor, scope: Scope, low: number, high: number): number {
  const { token } = cursor;
  const value = evaluate(cursor, scope);
  if (value.type !== 'integer') throw cursor.error('ASM012', 'an integer is needed here', undefined, token);
  const number = Number(value.value);
  if (number < low || number > high) {
    throw cursor.error('ASM007', `${number} is not from ${low} to ${high}`, undefined, token);
  }
  return number;
}
