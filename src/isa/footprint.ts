/**
 * What an instruction touches: the ranges of every address space that it reads and writes, from docs/machine.md.
 *
 * Used for bounds checks, port claims and race detection in the machine, and, with NaN for values that only registers
 * know, by the static verifier: a range whose end is not known ends at NaN, and comparisons with it are false.
 */
import { type Derived, derive, sumPitchElements } from '../hw/derive.ts';
import { alphabets } from '../hw/operands.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { tileSlices } from '../hw/slices.ts';
import { type InstructionSpec, type MemoryFormat, memoryFormats, type Space, spaces } from './table.ts';

/**
 * `rows` runs of `width`, `pitch` apart, in the unit of the space; they lie in `begin` to `end` (exclusive). Rows that
 * touch each other are given as one. Nothing is touched if `end` is not above `begin`.
 */
export interface Footprint {
  readonly space: Space;
  readonly begin: number;
  readonly end: number;
  readonly write: boolean;
  readonly rows: number;
  readonly pitch: number;
  readonly width: number;
}

/** What footprints and operand rules need to know of a machine; made once. */
export interface MachineShape {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly sizes: Readonly<Record<Space, number>>;
}

/** What the last `attention.configure` said, as far as `attend` needs it. */
export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDimension: number;
  readonly query: number;
  readonly output: number;
}

/** Bytes of one element of each format in memory. */
export const memoryFormatBytes: Readonly<Record<MemoryFormat, number>> = {
  float32: 4,
  bfloat16: 2,
  float16: 2,
  int32: 4,
  int8: 1,
};

/** Elements (bytes for `ddr` and `kv`, words for `weights`) of every address space. */
export function spaceSizes(hw: HardwareModel): Record<Space, number> {
  return {
    ddr: hw.memory.capacityBytes,
    weights: hw.weightBuffer.words,
    input: hw.matmul.inputElements,
    acc: hw.matmul.accumulatorElements,
    act: hw.vector.activationElements,
    coef: hw.vector.coefficientElements,
    kv: hw.kvStore.bytes,
  };
}

export function machineShape(hw: HardwareModel): MachineShape {
  return { hw, derived: derive(hw), sizes: spaceSizes(hw) };
}

/** The shape that an `attention.configure` with these values sets. */
export function attentionShape(values: readonly number[]): AttentionShape {
  const [heads, kvHeads, headDimension, , , , query, output] = values as Eight;
  return { heads, kvHeads, headDimension, query, output };
}

type Eight = readonly [number, number, number, number, number, number, number, number];
type Rule = (values: readonly number[], shape: MachineShape, attention: AttentionShape) => Footprint[];

const none: readonly Footprint[] = [];
const unconfigured: AttentionShape = { heads: NaN, kvHeads: NaN, headDimension: NaN, query: NaN, output: NaN };

/**
 * What an instruction reads and writes, its operands resolved to numbers (in the order of `spec.operands`; floats as
 * bit patterns). `attend` needs the shape that the last `attention.configure` set. Bounds are not checked here.
 */
export function resolvedFootprint(
  spec: InstructionSpec,
  values: readonly number[],
  shape: MachineShape,
  attention: AttentionShape = unconfigured,
): readonly Footprint[] {
  const rule = rules[spec.name];
  return rule ? rule(values, shape, attention) : none;
}

function run(space: Space, write: boolean, begin: number, width: number): Footprint {
  return { space, write, begin, end: begin + width, rows: 1, pitch: width, width };
}

/** `rows` rows of `width`, `pitch` apart (also backwards). */
function grid(space: Space, write: boolean, first: number, width: number, rows: number, pitch: number): Footprint {
  if (rows === 1) return run(space, write, first, width);
  if (rows === 0) return run(space, write, first, 0);
  const distance = (rows - 1) * pitch;
  const begin = distance < 0 ? first + distance : first;
  const end = (distance < 0 ? first : first + distance) + width;
  const step = Math.abs(pitch);
  if (step <= width) return run(space, write, begin, end - begin);
  return { space, write, begin, end, rows, pitch: step, width };
}

const accumulate = 1;
const readAct = (first: number, width: number, rows: number, pitch: number) =>
  grid('act', false, first, width, rows, pitch);
const writeAct = (first: number, width: number, rows: number, pitch: number) =>
  grid('act', true, first, width, rows, pitch);

function transfer(store: boolean): Rule {
  return (values) => {
    const [space, format, local, remote, elements, rows, remoteStride, localPitch] = values as Eight;
    const bytes = elements * memoryFormatBytes[memoryFormats[format] as MemoryFormat];
    return [
      grid('ddr', store, remote, bytes, rows, remoteStride),
      grid(spaces[space] as Space, !store, local, elements, rows, localPitch),
    ];
  };
}

/** True for the bit patterns of negative numbers, −∞ included, −0 and NaN not. */
export function isNegativeFloat(bits: number): boolean {
  return bits > 0x80000000 && bits <= 0xff800000;
}

function quantise(limbs: number): Rule {
  return (values) => {
    const [dst, src, gain, rows, elements, dstPitch, srcPitch, epsilon] = values as Eight;
    const result = [readAct(src, elements, rows, srcPitch), run('input', true, dst, rows * limbs * dstPitch)];
    if (!isNegativeFloat(epsilon)) result.push(run('coef', false, gain, elements));
    return result;
  };
}

function elementwise(values: readonly number[]): Footprint[] {
  const [dst, a, b, rows, elements, pitch] = values as Eight;
  return [readAct(a, elements, rows, pitch), readAct(b, elements, rows, pitch), writeAct(dst, elements, rows, pitch)];
}

function kvTransfer(fill: boolean): Rule {
  return (values) => {
    // `fill dst, src` and `spill src, dst`: the store's address comes first in both.
    const [local, remote, bytes, rows, stride] = values as Eight;
    return [grid('ddr', !fill, remote, bytes, rows, stride), run('kv', fill, local, rows * bytes)];
  };
}

/** By assembly name; an instruction that is not here touches no space. */
const rules: Readonly<Record<string, Rule>> = {
  ld: (values) => [run('ddr', false, values[1] as number, 4)],
  'dma.load': transfer(false),
  'dma.gather': transfer(false),
  'dma.store': transfer(true),
  'weightBuffer.load': (values, { derived }) => {
    const [dst, src, words, alphabet] = values as Eight;
    const name = alphabets[alphabet];
    const sliceBytes = name === undefined ? Number.NaN : derived[name].sliceBytes;
    const { slices, bytes } = tileSlices(words, sliceBytes, derived);
    return [run('ddr', false, src, slices * bytes), run('weights', true, dst, words)];
  },
  'matmul.run': (values, { hw, derived }) => {
    const [input, weights, output, rows, blocks, steps, , planes] = values as Eight;
    const options = values[8] as number;
    const inputPitch = values[9] as number;
    const { columns } = hw.matmul;
    const sums = (write: boolean) =>
      grid('acc', write, output, steps * columns, rows, sumPitchElements(steps, columns, derived));
    const result = [
      grid('input', false, input, blocks * derived.blockInputs, rows, inputPitch),
      run('weights', false, weights, blocks * planes * steps),
      sums(true),
    ];
    if (options & accumulate) result.push(sums(false));
    return result;
  },
  'vector.quantise': quantise(1),
  'vector.quantiseWide': quantise(2),
  'vector.dequantise': (values) => {
    const [dst, src, scale, rows, elements, dstPitch, srcPitch, options] = values as Eight;
    const columns = options & 1;
    const wide = options & 2;
    const result = [
      grid('acc', false, src, elements, wide ? 2 * rows : rows, srcPitch),
      run('coef', false, scale, columns ? elements : 1),
      writeAct(dst, elements, rows, dstPitch),
    ];
    if (options & 4) result.push(readAct(dst, elements, rows, dstPitch));
    return result;
  },
  'vector.dequantiseGate': (values) => {
    const [dst, src, scale, rows, elements, dstPitch, srcPitch] = values as Eight;
    const upOffset = values[8] as number;
    return [
      grid('acc', false, src, elements, rows, srcPitch),
      grid('acc', false, src + upOffset, elements, rows, srcPitch),
      run('coef', false, scale, 2),
      writeAct(dst, elements, rows, dstPitch),
    ];
  },
  'vector.dequantiseRope': (values) => {
    const [dst, src, scale, rows, elements, dstPitch, srcPitch, headDimension] = values as Eight;
    const table = values[8] as number;
    return [
      grid('acc', false, src, elements, rows, srcPitch),
      run('coef', false, scale, 1),
      run('coef', false, table, rows * headDimension),
      writeAct(dst, elements, rows, dstPitch),
    ];
  },
  'vector.add': elementwise,
  'vector.multiply': elementwise,
  'vector.norm': (values) => {
    const [dst, src, gain, rows, elements, dstPitch, srcPitch] = values as Eight;
    return [
      readAct(src, elements, rows, srcPitch),
      run('coef', false, gain, elements),
      writeAct(dst, elements, rows, dstPitch),
    ];
  },
  'attention.attend': (values, { derived }, { heads, kvHeads, headDimension, query, output }) => {
    const [keys, kvValues, , count, , rows, options] = values as Eight;
    const bytes = count * kvHeads * headDimension * derived.kvElementBytes;
    const elements = rows * heads * headDimension;
    const result = [
      run('act', false, query, elements),
      run('kv', false, keys, bytes),
      run('kv', false, kvValues, bytes),
    ];
    if (options & 2) result.push(run('act', true, output, elements));
    return result;
  },
  'kvStore.append': (values, { derived }) => {
    const [src, dst, rows, elements, pitch] = values as Eight;
    return [readAct(src, elements, rows, pitch), run('kv', true, dst, rows * elements * derived.kvElementBytes)];
  },
  'kvStore.fill': kvTransfer(true),
  'kvStore.spill': kvTransfer(false),
  'sampler.scan': (values) => [run('act', false, values[0] as number, values[1] as number)],
  'sampler.select': (values) => {
    const [src, bounds, elements] = values as Eight;
    return [run('act', false, src, elements), run('act', false, bounds, elements)];
  },
};

/** The first range that leaves its space, as a sentence, or undefined. */
export function outOfBounds(footprints: readonly Footprint[], { sizes }: MachineShape): string | undefined {
  for (const { space, begin, end, write } of footprints) {
    const size = sizes[space];
    // An end that is not known (NaN) still leaves the first element to be checked.
    if (begin < 0 || end > size || begin >= size + (end === begin ? 1 : 0)) {
      const unit = spaceUnits[space];
      const range = Number.isNaN(end) ? `from ${begin}` : `${begin}…${end - 1}`;
      return `${write ? 'writes' : 'reads'} ${space} ${range}, but ${space} has ${size} ${unit}`;
    }
  }
  return undefined;
}

/** What an address of a space counts. */
export const spaceUnits: Readonly<Record<Space, string>> = {
  ddr: 'bytes',
  weights: 'words',
  input: 'elements',
  acc: 'elements',
  act: 'elements',
  coef: 'elements',
  kv: 'bytes',
};

/** True if two footprints share an element; exact for rows with gaps between them. */
export function footprintsOverlap(a: Footprint, b: Footprint): boolean {
  if (a.space !== b.space || !(a.begin < b.end && b.begin < a.end)) return false;
  if (!(a.begin < a.end && b.begin < b.end)) return false;
  if (a.rows === 1 && b.rows === 1) return true;
  const [few, many] = a.rows <= b.rows ? [a, b] : [b, a];
  for (let row = 0; row < few.rows; row++) {
    const begin = few.begin + row * few.pitch;
    const end = begin + few.width;
    // The first row of `many` that ends after `begin`; it meets this row if it begins before `end`.
    const candidate = Math.max(0, Math.floor((begin - many.begin - many.width) / many.pitch) + 1);
    if (candidate < many.rows && many.begin + candidate * many.pitch < end) return true;
  }
  return false;
}
