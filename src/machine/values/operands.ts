/** The operands of instructions by name, as the functions of `src/numerics` take them. */
import { decodeFloat } from '../../base/float.ts';
import { type Derived, sumPitchElements } from '../../hw/derive.ts';
import { type Alphabet, alphabets, gateFunctions } from '../../hw/operands.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { memoryFormatBytes } from '../../isa/footprint.ts';
import { type MemoryFormat, memoryFormats, type Space, spaces } from '../../isa/table.ts';
import type { AttendRun, AttentionConfig } from '../../numerics/attention.ts';
import type { MatmulRun } from '../../numerics/matmul.ts';
import type {
  DequantiseGateRun,
  DequantiseRopeRun,
  DequantiseRun,
  ElementwiseRun,
  NormRun,
  QuantiseRun,
} from '../../numerics/vector.ts';

type Operands = readonly number[];
type Ten = readonly [number, number, number, number, number, number, number, number, number, number];

const option = { columns: 1, wide: 2, accumulate: 4, first: 1, last: 2 } as const;

/** `matmul.run`. */
export function matmulRun(operands: Operands, hw: HardwareModel, derived: Derived): MatmulRun {
  const [, , , rows, blocks, steps, alphabet, planes, options, inputPitch] = operands as Ten;
  return {
    alphabet: alphabets[alphabet] as Alphabet,
    planes,
    blocks,
    steps,
    rows,
    inputPitch,
    outputPitch: sumPitchElements(steps, hw.matmul.columns, derived),
    accumulate: (options & 1) !== 0,
  };
}

/** Rows between external memory and a buffer. */
export interface MoveRun {
  readonly space: Space;
  readonly format: MemoryFormat;
  /** Element of the buffer and byte of memory where row 0 begins, and the steps from row to row. */
  readonly local: number;
  readonly localPitch: number;
  readonly remote: number;
  readonly remoteStride: number;
  readonly elements: number;
  readonly rowBytes: number;
  readonly rows: number;
}

/** `dma.load`, `dma.gather` and `dma.store`. */
export function moveRun(operands: Operands): MoveRun {
  const [spaceIndex, formatIndex, local, remote, elements, rows, remoteStride, localPitch] = operands as Ten;
  const space = spaces[spaceIndex] as Space;
  const format = memoryFormats[formatIndex] as MemoryFormat;
  const rowBytes = elements * memoryFormatBytes[format];
  return { space, format, local, localPitch, remote, remoteStride, elements, rowBytes, rows };
}

/** `vector.quantise`, `vector.quantiseWide` and `vector.norm`. */
export function normalisedRun(operands: Operands): QuantiseRun & NormRun {
  const [dst, src, gain, rows, elements, dstPitch, srcPitch, epsilon] = operands as Ten;
  return { dst, src, gain, rows, elements, dstPitch, srcPitch, epsilon: decodeFloat('float32', epsilon) };
}

/** `vector.dequantise`. */
export function dequantiseRun(operands: Operands): DequantiseRun {
  const [dst, src, scale, rows, elements, dstPitch, srcPitch, options] = operands as Ten;
  const columns = (options & option.columns) !== 0;
  const wide = (options & option.wide) !== 0;
  const accumulate = (options & option.accumulate) !== 0;
  return { dst, src, scale, rows, elements, dstPitch, srcPitch, columns, wide, accumulate };
}

/** `vector.dequantiseGate`. */
export function gateRun(operands: Operands): DequantiseGateRun {
  const [dst, src, scale, rows, elements, dstPitch, srcPitch, gate, upOffset] = operands as Ten;
  const name = gateFunctions[gate] as (typeof gateFunctions)[number];
  return { dst, src, scale, rows, elements, dstPitch, srcPitch, upOffset, function: name };
}

/** `vector.dequantiseRope`. */
export function ropeRun(operands: Operands): DequantiseRopeRun {
  const [dst, src, scale, rows, elements, dstPitch, srcPitch, headDimension, table] = operands as Ten;
  return { dst, src, scale, rows, elements, dstPitch, srcPitch, headDimension, table };
}

/** `vector.add` and `vector.multiply`. */
export function elementwiseRun(operands: Operands): ElementwiseRun {
  const [dst, a, b, rows, elements, pitch] = operands as Ten;
  return { dst, a, b, rows, elements, pitch };
}

/** `attention.configure`. */
export function attentionConfig(operands: Operands): AttentionConfig {
  const [heads, kvHeads, headDimension, window, sink, scale, query, output] = operands as Ten;
  return { heads, kvHeads, headDimension, window, sink, scale: decodeFloat('float32', scale), query, output };
}

/** `attention.attend`. */
export function attendRun(operands: Operands): AttendRun {
  const [keys, values, firstPosition, count, queryPosition, rows, options] = operands as Ten;
  const first = (options & option.first) !== 0;
  const last = (options & option.last) !== 0;
  return { keys, values, firstPosition, count, queryPosition, rows, first, last };
}
