/** The contents of memory as written in a program: lists, repetitions, ramps and seeded pseudo-random values. */
import { decodeFloat, encodeFloat } from '../../base/float.ts';
import { hash } from '../../base/hash.ts';
import { derive } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { interleaveSlices, tileSlices } from '../../hw/slices.ts';
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

function halfFloats(format: 'float16' | 'bfloat16'): ElementType {
  const pack = packed(2, (view, offset, value) => view.setUint16(offset, encodeFloat(format, value), true));
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

/** Directives whose elements are the digits of whole weight words, and how a slice of a word is packed. */
const wordDirectives = {
  '.ternaryWords': { alphabet: 'ternary', pack: packTrits },
  '.binaryWords': { alphabet: 'binary', pack: packBits },
} as const;
export type WordDirective = keyof typeof wordDirectives;

export function isWordDirective(name: string): name is WordDirective {
  return Object.hasOwn(wordDirectives, name);
}

/**
 * A tile as `weightBuffer.load` finds it in memory: the slices of all words take turns (docs/machine.md, matmul engine). `digits` word by word; missing ones of the last word are 0.
 */
export function packWords(directive: WordDirective, digits: readonly number[], hw: HardwareModel): Uint8Array {
  const { alphabet, pack } = wordDirectives[directive];
  const derived = derive(hw);
  const { sliceColumns, weightSlices, wordDigits, blockInputs, [alphabet]: shape } = derived;
  const words = Math.ceil(digits.length / wordDigits);
  const tile = tileSlices(words, shape.sliceBytes, derived);
  const packed = new Uint8Array(weightSlices * tile.bytes);
  for (let slice = 0; slice < weightSlices; slice++) {
    for (let word = 0; word < words; word++) {
      const own = Array.from({ length: sliceColumns * blockInputs }, (_, digit) => {
        const inWord = slice * sliceColumns * blockInputs + digit;
        return (inWord < wordDigits ? digits[word * wordDigits + inWord] : undefined) ?? 0;
      });
      packed.set(pack(own), slice * tile.bytes + word * shape.sliceBytes);
    }
  }
  const result = new Uint8Array(packed.length);
  interleaveSlices(tile, packed, result, 0);
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
    '.f16': halfFloats('float16'),
    '.bf16': halfFloats('bfloat16'),
    '.trits': { integer: true, low: -1, high: 1, pack: packTrits },
    '.bits': { integer: true, low: 0, high: 1, pack: packBits },
    '.ternaryWords': { integer: true, low: -1, high: 1, pack: packTrits },
    '.binaryWords': { integer: true, low: 0, high: 1, pack: packBits },
  }),
);

/** Elements that one program may hold. */
const mostElements = 2 ** 26;

/** Reads the list of a data directive; throws the errors of expressions, ASM007 (range) and ASM015 (too much). */
export function readElements(directive: string, cursor: Cursor, scope: Scope): Uint8Array {
  const type = elementTypes.get(directive) as ElementType;
  return type.pack(readValues(directive, cursor, scope));
}

/** The elements themselves; throws the same. */
export function readValues(directive: string, cursor: Cursor, scope: Scope): number[] {
  const type = elementTypes.get(directive) as ElementType;
  const values: number[] = [];
  do readItem(type, cursor, scope, values);
  while (cursor.take(','));
  cursor.expectEnd();
  return values;
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
  if (!type.integer) return value.type === 'bits' ? decodeFloat('float32', Number(value.value)) : Number(value.value);
  if (value.type !== 'integer') throw cursor.error('ASM012', 'an integer is needed here', undefined, token);
  const number = Number(value.value);
  if (bounded && (number < type.low || number > type.high)) {
    throw cursor.error('ASM007', `${number} is not from ${type.low} to ${type.high}`, undefined, token);
  }
  return number;
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
