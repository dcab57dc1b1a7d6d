/** What the compiler planned: plain JSON in the image's metadata, and the same as text. */
import type { Derived } from '../hw/derive.ts';
import { bytesPerInstruction } from '../isa/table.ts';
import { type MemoryMap, storedBytes } from './memoryMap.ts';
import { type BufferUse, headPasses, type OnChip, scaleOrder, type TiledModel } from './place.ts';
import type { Spilled } from './placeSpilled.ts';
import { rowCount, type Tile, type TiledOperation } from './tile.ts';

export interface PlannedOperation {
  readonly name: string;
  readonly tiles: number;
  readonly blocks: number;
  /** Steps of the largest tile. */
  readonly steps: number;
  /** Weight-buffer words of all tiles. */
  readonly words: number;
}

export interface Plan {
  /** Bytes that one decoded token reads, key and value traffic and code apart. */
  readonly bytesPerToken: {
    readonly weights: number;
    /** All tiles of the head, or of the coarse pass of a two-pass head. */
    readonly head: number;
    /** A two-pass head: one group of rows that is scored. */
    readonly headGroup?: number;
    readonly coefficients: number;
    readonly embedding: number;
    readonly rope: number;
  };
  readonly rowsPerPass: number;
  readonly rowGroups: number;
  readonly fuse: boolean;
  /** Where activations are spilled: bytes of them for each position, and groups of weights of a layer. */
  readonly spilled?: { readonly bytesPerPosition: number; readonly groups: number };
  readonly slots: number;
  readonly slotWords: number;
  readonly buffers: readonly BufferUse[];
  readonly kv: {
    readonly residentPositions: number;
    readonly tilePositions: number;
    /** Keys and values of one position in all layers. */
    readonly bytesPerPosition: number;
  };
  readonly instructions: number;
  readonly codeBytes: number;
  readonly operations: readonly PlannedOperation[];
}

export function makePlan(
  model: TiledModel,
  chip: OnChip,
  map: MemoryMap,
  derived: Derived,
  program: { readonly instructions: number; readonly fuse: boolean; readonly spilled: Spilled | undefined },
): Plan {
  const { shape, layer, head, coarse } = model;
  const words = ({ tiles }: TiledOperation) => tiles.reduce((sum, tile) => sum + tile.words, 0);
  const gains = chip.coef.layout.gains * storedBytes[map.formats.gains];
  const layerWords = layer.reduce((sum, operation) => sum + words(operation), 0);
  return {
    bytesPerToken: {
      weights: shape.layerCount * layerWords * derived.ternary.wordBytes,
      head: words(coarse ?? head) * derived.binary.wordBytes + 4 * shape.vocabularySize,
      ...(coarse && { headGroup: (head.tiles[0] as Tile).bytes + map.headScaleStride }),
      coefficients:
        shape.layerCount * (gains + 4 * scaleOrder.length) + shape.hiddenSize * storedBytes[map.formats.gains],
      embedding: map.embeddingRowBytes,
      rope: map.ropeRowBytes,
    },
    rowsPerPass: model.rowsPerPass,
    rowGroups: model.rowGroups,
    fuse: program.fuse,
    ...(program.spilled && {
      spilled: {
        bytesPerPosition: program.spilled.memory.bytes / model.maxPositions,
        groups: program.spilled.groups.length,
      },
    }),
    slots: model.slots,
    slotWords: model.slotWords,
    buffers: chip.buffers,
    kv: {
      residentPositions: chip.kv.residentPositions,
      tilePositions: chip.kv.tilePositions,
      bytesPerPosition: 2 * shape.layerCount * chip.kv.rowBytes,
    },
    instructions: program.instructions,
    codeBytes: program.instructions * bytesPerInstruction,
    operations: [...layer, ...headPasses(model)].map((operation) => ({
      name: operation.name,
      tiles: operation.tiles.length,
      blocks: operation.blocks,
      steps: Math.max(...operation.tiles.map(({ steps }) => steps)),
      words: words(operation),
    })),
  };
}

const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** The plan as lines of text. */
export function describePlan(plan: Plan): string[] {
  const { weights, head, headGroup, coefficients, embedding, rope } = plan.bytesPerToken;
  const headText =
    headGroup === undefined
      ? `head ${grouped(head)}`
      : `coarse head ${grouped(head)} and ${grouped(headGroup)} for each group of rows scored`;
  const total = weights + head + coefficients + embedding + rope;
  const { residentPositions, tilePositions, bytesPerPosition } = plan.kv;
  const spilled =
    tilePositions === 0
      ? 'all of them'
      : `${residentPositions} of them, the rest in memory, ${tilePositions} at a time`;
  return [
    `per token  ${grouped(total)} bytes: weights ${grouped(weights)}, ${headText}, coefficients ${grouped(coefficients)}, embedding ${grouped(embedding)}, rotations ${grouped(rope)}`,
    plan.spilled === undefined
      ? `prefill    ${plan.rowGroups > 1 ? `${plan.rowGroups} groups of ` : ''}${rowCount(plan.rowsPerPass)} per pass`
      : `prefill    all rows in each operation, ${rowCount(plan.rowsPerPass)} at a time; ${grouped(plan.spilled.bytesPerPosition)} bytes of activations in memory for each; a layer's weights in ${plan.spilled.groups} groups`,
    `weights    ring of ${plan.slots} slots of ${grouped(plan.slotWords)} words${plan.fuse ? '' : '; not loaded ahead of float work'}`,
    ...plan.operations.map(
      ({ name, tiles, blocks, steps, words }) =>
        `  ${name.padEnd(9)}${tiles} ${tiles === 1 ? 'tile' : 'tiles'} of ${blocks} blocks × ${tiles === 1 ? '' : 'up to '}${steps} steps, ${grouped(words)} words`,
    ),
    `positions  ${grouped(bytesPerPosition)} bytes of keys and values each; on the chip: ${spilled}`,
    ...plan.buffers.map(
      ({ name, used, capacity }) =>
        `  ${name.padEnd(9)}${grouped(used)} of ${grouped(capacity)} (${Math.round((100 * used) / capacity)} %)`,
    ),
    `code       ${grouped(plan.instructions)} instructions, ${grouped(plan.codeBytes)} bytes`,
  ];
}
