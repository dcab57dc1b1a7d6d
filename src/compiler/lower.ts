/**
 * Pass 1, lower: a model becomes the list of matrix operations that the machine runs, each with its inputs, the
 * outputs that share its tiles, and how its weights are written.
 */

import { LutraError } from '../base/diagnostics.ts';
import { largestHeadDimension, maximumPlanes } from '../hw/derive.ts';
import type { Alphabet } from '../hw/operands.ts';
import type { LinearRole, ModelGraph, ModelShape } from '../model/graph.ts';

/** Names of `mark operation` numbers, in that order. */
export const operationNames = ['embed', 'qkv', 'attention', 'o', 'ffn', 'down', 'head', 'coarse'] as const;
export type OperationName = (typeof operationNames)[number];
export type MatrixName = Exclude<OperationName, 'embed' | 'attention'>;

/** What one weight matrix gives. */
export interface Output {
  readonly name: LinearRole | 'head';
  /** Outputs of the matrix, the columns of its tiles. */
  readonly columns: number;
  /** Columns that a tile takes together; a multiple of the vector unit's lanes. */
  readonly granule: number;
}

/** One quantised input against one or more matrices. */
export interface MatrixOperation {
  readonly name: MatrixName;
  readonly inputs: number;
  readonly outputs: readonly Output[];
  /** Every tile holds the same columns of both outputs, first of the one, then of the other. */
  readonly paired: boolean;
  readonly alphabet: Alphabet;
  readonly planes: number;
  /** Input rows per row of activations: 2 where an activation is two int8 limbs. */
  readonly limbs: number;
  /** True for the operations that every row of a pass takes; the head takes only the last. */
  readonly everyRow: boolean;
  /** Granules of a tile at most; as many as fit if undefined. */
  readonly mostGranules?: number;
}

export interface LoweredModel {
  readonly shape: ModelShape;
  /** The norms before `o` and before `down`, which not every model has. */
  readonly attentionSubNorm: boolean;
  readonly ffnSubNorm: boolean;
  /** Operations of one layer, in order. */
  readonly layer: readonly MatrixOperation[];
  readonly head: MatrixOperation;
  /** The first pass of a two-pass head: all rows with few bits. Then a tile of `head` is one group of rows. */
  readonly coarse?: MatrixOperation;
}

export interface LowerOptions {
  /** Bits of a head weight, 1 to 12. */
  readonly headBits: number;
  /** Bits of a weight in the coarse pass of a two-pass head; undefined: the head has one pass. */
  readonly coarseBits: number | undefined;
  /** Lanes of the vector unit, to which pieces of a tile align. */
  readonly lanes: number;
  /** Columns of the engine. */
  readonly columns: number;
  readonly attentionLanes: number;
}

/** Lowers a model. Throws CMP001 (sub-norms in some layers only), CMP002 (head dimension), CMP003 (head bits). */
export function lower(graph: ModelGraph, options: LowerOptions): LoweredModel {
  const { headBits, coarseBits, lanes, columns, attentionLanes } = options;
  const { hiddenSize, intermediateSize, heads, kvHeads, headDimension, vocabularySize } = graph;
  if (!Number.isInteger(headBits) || headBits < 1 || headBits > maximumPlanes) {
    throw new LutraError({
      code: 'CMP003',
      message: `a head of ${headBits} bits cannot be built`,
      hint: `--head-bits takes an integer from 1 to ${maximumPlanes}`,
    });
  }
  if (headDimension % (2 * lanes) !== 0) {
    throw new LutraError({
      code: 'CMP002',
      message: `the model's head dimension ${headDimension} is not a multiple of ${2 * lanes} (2 × vector.lanes)`,
      hint: `vector.lanes must be a power of two that divides ${headDimension / 2}`,
    });
  }
  if (headDimension % attentionLanes !== 0) {
    throw new LutraError({
      code: 'CMP002',
      message: `the model's head dimension ${headDimension} is not a multiple of ${attentionLanes} (attention.lanes)`,
      hint: `attention.lanes must be a power of two that divides ${headDimension}`,
    });
  }
  if (headDimension > largestHeadDimension) {
    throw new LutraError({
      code: 'CMP002',
      message: `the model's head dimension is ${headDimension}; the attention unit takes at most ${largestHeadDimension}`,
    });
  }
  if (coarseBits !== undefined && !(Number.isInteger(coarseBits) && coarseBits >= 1 && coarseBits < headBits)) {
    throw new LutraError({
      code: 'CMP003',
      message: `a coarse pass of ${coarseBits} bits before an exact one of ${headBits} cannot be built`,
      hint: '--head-coarse-bits takes an integer from 1 on, below that of --head-bits',
    });
  }
  // A tile of the exact pass is what the coarse pass selects: whole steps, and whole beats of the vector unit.
  const headOutput: Output = {
    name: 'head',
    columns: vocabularySize,
    granule: coarseBits === undefined ? lanes : lcm(lanes, columns),
  };
  const headOperation = {
    inputs: hiddenSize,
    outputs: [headOutput],
    paired: false,
    limbs: 2,
    everyRow: false,
  } as const;
  const ternary = { alphabet: 'ternary', planes: 1, limbs: 1, everyRow: true } as const;
  const plain = (name: Output['name'], columns: number): Output => ({ name, columns, granule: lanes });
  const perHead = (name: Output['name'], count: number): Output => ({
    name,
    columns: count * headDimension,
    granule: headDimension,
  });
  return {
    shape: graph,
    attentionSubNorm: uniform(graph, 'attentionSubNorm'),
    ffnSubNorm: uniform(graph, 'ffnSubNorm'),
    layer: [
      {
        name: 'qkv',
        inputs: hiddenSize,
        outputs: [perHead('query', heads), perHead('key', kvHeads), perHead('value', kvHeads)],
        paired: false,
        ...ternary,
      },
      { name: 'o', inputs: heads * headDimension, outputs: [plain('output', hiddenSize)], paired: false, ...ternary },
      {
        name: 'ffn',
        inputs: hiddenSize,
        outputs: [plain('gate', intermediateSize), plain('up', intermediateSize)],
        paired: true,
        ...ternary,
      },
      { name: 'down', inputs: intermediateSize, outputs: [plain('down', hiddenSize)], paired: false, ...ternary },
    ],
    head: {
      name: 'head',
      ...headOperation,
      alphabet: 'binary',
      planes: headBits,
      ...(coarseBits !== undefined && { mostGranules: 1 }),
    },
    ...(coarseBits !== undefined && {
      coarse: { name: 'coarse', ...headOperation, alphabet: 'binary', planes: coarseBits },
    }),
  };
}

/** Least common multiple. */
export function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Whether the layers have this norm; all of them or none must, for one program serves all layers. */
function uniform(graph: ModelGraph, norm: 'attentionSubNorm' | 'ffnSubNorm'): boolean {
  const first = graph.layers[0]?.[norm] !== undefined;
  const other = graph.layers.findIndex((layer) => (layer[norm] !== undefined) !== first);
  if (other >= 0) {
    throw new LutraError({
      code: 'CMP001',
      message: `layer ${other} ${first ? 'lacks' : 'has'} the ${norm} that layer 0 ${first ? 'has' : 'lacks'}`,
      hint: 'all layers run the same program and must have the same norms',
    });
  }
  return first;
}
