/** What lowering needs at hand: where instructions go, how long things take, sizes in blocks. */
import { LutraError } from '../../base/diagnostics.ts';
import { type Timing, type TokenMachine, timingOf } from './machine.ts';
import { ProgramBuilder } from './program.ts';

export interface Lowering {
  readonly machine: TokenMachine;
  readonly timing: Timing;
  readonly builder: ProgramBuilder;
}

export function createLowering(machine: TokenMachine): Lowering {
  return { machine, timing: timingOf(machine), builder: new ProgramBuilder() };
}

/** A matrix product y[rows][columns] = x[rows][inputs] · W[inputs][columns]. */
export interface Linear {
  readonly inputs: number;
  readonly columns: number;
  /** Share of the weights that is left. */
  readonly density: number;
  readonly bias: boolean;
  /** Float work on each tile of the result as it appears: SiLU, one sum or product, or the three of RoPE. */
  readonly then?: 'silu' | 'elementwise' | 'rope';
}

/** Attention scores of all heads, with their softmax, or the weighted sum of values. */
export interface Attention {
  readonly part: 'scores' | 'values';
  readonly heads: number;
  readonly headDimension: number;
}

/** Tiles of the inputs of a matrix product. */
export interface Pieces {
  /** Blocks of inputs in each piece. */
  readonly blocks: readonly number[];
  /** Pieces that fit into the buffers: loads run ahead of the matrix unit by so many. */
  readonly ahead: number;
}

/**
 * Cuts the inputs of a matrix product so that weights and their indices are double-buffered at least.
 * @param lines of weights that one block takes in its buffer, and of indices in theirs
 * @param minimum pieces to begin with
 * @throws LutraError PAP005 where not even single blocks fit
 */
export function cutInputs(
  { machine }: Lowering,
  inputBlocks: number,
  lines: { readonly weights: number; readonly weightBuffer: number; readonly indices: number },
  minimum: number,
): Pieces {
  const indexBuffer = machine.buffers.meta.lines;
  for (let count = minimum; count <= inputBlocks; count++) {
    const size = Math.floor(inputBlocks / count);
    const pieces = Math.ceil(inputBlocks / size);
    const ahead = Math.min(
      Math.floor(lines.weightBuffer / (size * lines.weights)),
      Math.floor(indexBuffer / (size * lines.indices)),
      // One byte per block says how sparse it is.
      Math.floor(indexBuffer / Math.ceil(inputBlocks / pieces)),
    );
    if (ahead < 2) continue;
    const blocks = Array.from({ length: pieces }, (_, i) => Math.min(size, inputBlocks - i * size));
    return { blocks, ahead };
  }
  throw new LutraError({
    code: 'PAP005',
    message: `${machine.name}: two blocks of ${lines.weights} lines of weights and ${lines.indices} lines of indices do not fit buffers of ${lines.weightBuffer} and ${indexBuffer}`,
    hint: 'larger buffers, or a smaller block',
  });
}
