/**
 * Pass 3 for a program whose activations are spilled: where a chunk of rows lies on the chip, in two halves that take
 * turns; where all rows of a pass lie in memory; and which weight tiles are in the weight buffer together.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, floatFormatBytes } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { Output } from './lower.ts';
import {
  type BufferUse,
  largestPiece,
  type OnChip,
  placeCoefficients,
  type RowGroup,
  refuseNarrowHeads,
  refuseOverflow,
  refuseRows,
  type TiledModel,
} from './place.ts';
import { engineRows, inputPitch, roundDown, roundUp, type Tile, type TiledOperation, tileSums } from './tile.ts';

/** One half of the activation buffer: the inputs and the results of an operation on a chunk of rows. */
export type Half = RowGroup;

/** Rows of a pass in memory. */
export interface SpilledRows {
  /** Bytes from the beginning of the activations in memory. */
  readonly offset: number;
  readonly rowBytes: number;
}

/** Columns of an output that a group of tiles gives. */
export interface Range {
  readonly output: Output['name'];
  readonly first: number;
  readonly columns: number;
}

/** Tiles that are in the weight buffer together, each at `offset` of its area. */
export interface WeightGroup {
  readonly operation: TiledOperation;
  readonly tiles: readonly { readonly tile: Tile; readonly offset: number }[];
  readonly ranges: readonly Range[];
}

export interface Spilled {
  readonly halves: readonly [Half, Half];
  /** The residual stream, queries (then attention's output in their place), gated activations. */
  readonly memory: {
    readonly x: SpilledRows;
    readonly q: SpilledRows;
    readonly h: SpilledRows;
    readonly bytes: number;
  };
  /** Areas of the weight buffer, 2 where the next group is loaded while one is used, and words of each. */
  readonly areas: 1 | 2;
  readonly areaWords: number;
  /** Groups of a layer, in order. */
  readonly groups: readonly WeightGroup[];
}

export interface SpilledChip extends OnChip {
  readonly spilled: Spilled;
}

/**
 * Places a tiled model whose activations are spilled. `ahead`: the next weights are loaded while some are used.
 * Throws CMP020 to CMP024 as `place` does, CMP025 (results that do not begin at a beat).
 */
export function placeSpilled(model: TiledModel, ahead: boolean, hw: HardwareModel, derived: Derived): SpilledChip {
  refuseRows(model, hw);
  refuseNarrowHeads(model, derived);
  const { shape, rowsPerPass, maxPositions, head } = model;
  const elementBytes = floatFormatBytes(hw.vector.format);
  const queryPitch = shape.heads * shape.headDimension;
  const kvPitch = shape.kvHeads * shape.headDimension;
  const xPitch = roundUp(shape.hiddenSize, derived.actWordElements);
  const hPitch = roundUp(shape.intermediateSize, derived.actWordElements);
  for (const [name, bytes] of [
    ['queries', queryPitch * elementBytes],
    ['keys', kvPitch * derived.kvElementBytes],
  ] as const) {
    if (bytes % derived.portBytes !== 0) throw oddBytes(`${name} of a position are ${bytes} bytes`, derived);
  }
  // Whatever is moved to or from memory begins a word.
  const rows = (pitch: number) => roundUp(rowsPerPass * pitch, derived.actWordElements);
  const shared = rows(xPitch);
  const halfElements = shared + Math.max(rows(queryPitch) + 2 * rows(kvPitch), 2 * rows(queryPitch), rows(hPitch));
  // Each half in a bank of its own, where there are two.
  const bank = hw.vector.activationBanks === 2 ? hw.vector.activationElements / 2 : 0;
  const distance = Math.max(halfElements, bank);
  const half = (index: number): Half => {
    const x = index * distance;
    const q = x + shared;
    const k = q + rows(queryPitch);
    return {
      x: { address: x, pitch: xPitch },
      q: { address: q, pitch: queryPitch },
      k: { address: k, pitch: kvPitch },
      v: { address: k + rows(kvPitch), pitch: kvPitch },
      o: { address: k, pitch: queryPitch },
      h: { address: q, pitch: hPitch },
      rope: index * rowsPerPass * shape.headDimension,
      // All keys and values are in memory.
      current: 0,
    };
  };
  const halves = [half(0), half(1)] as const;
  const logits = { address: shared, pitch: roundUp(largestPiece(model), hw.vector.lanes) };
  const coef = placeCoefficients({ ...model, rowsPerPass: 2 * rowsPerPass }, derived);
  const operations = [...model.layer, head];
  const input = operations.map((one) => engineRows(one, rowsPerPass) * inputPitch(one.blocks, hw, derived));
  const sums = operations.flatMap((one) =>
    one.tiles.map(({ steps }) => tileSums(one, steps, rowsPerPass, hw.matmul.columns, derived)),
  );
  const sumSlot = Math.max(...sums);
  const kv = placeStages(model, hw, derived);
  const areas = ahead ? 2 : 1;
  const row = Math.max(derived.ternary.sliceWordsPerBeat, derived.binary.sliceWordsPerBeat);
  const areaWords = roundDown(hw.weightBuffer.words / areas, row);
  const groups = model.layer.flatMap((one) => groupTiles(one, areaWords, row, elementBytes, derived));
  const groupWords = groups.map(({ tiles }) => Math.max(...tiles.map(({ tile, offset }) => offset + tile.words)));
  const weights = Math.max(model.slots * model.slotWords, (areas - 1) * areaWords + Math.max(...groupWords));
  const buffers: BufferUse[] = [
    { name: 'weights', used: weights, capacity: hw.weightBuffer.words },
    { name: 'input', used: Math.max(...input), capacity: hw.matmul.inputElements },
    { name: 'acc', used: 2 * sumSlot, capacity: hw.matmul.accumulatorElements },
    {
      name: 'act',
      used: Math.max(distance + halfElements, logits.address + 2 * logits.pitch),
      capacity: hw.vector.activationElements,
    },
    { name: 'coef', used: coef.ring + 2 * coef.slotElements, capacity: hw.vector.coefficientElements },
    { name: 'kv', used: 2 * kv.stageBytes, capacity: hw.kvStore.bytes },
  ];
  for (const buffer of buffers) refuseOverflow(buffer, rowsPerPass);
  const region = (offset: number, pitch: number): SpilledRows => ({ offset, rowBytes: pitch * elementBytes });
  const x = region(0, xPitch);
  const q = region(maxPositions * x.rowBytes, queryPitch);
  const h = region(q.offset + maxPositions * q.rowBytes, hPitch);
  const memory = { x, q, h, bytes: h.offset + maxPositions * h.rowBytes };
  return { groups: halves, logits, coef, sumSlot, kv, buffers, spilled: { halves, memory, areas, areaWords, groups } };
}

function oddBytes(what: string, { portBytes }: Derived): LutraError {
  return new LutraError({
    code: 'CMP024',
    message: `${what}, not whole beats of ${portBytes} bytes, and spilled activations are moved row by row`,
    hint: 'lower memory.portBits, or keep activations on the chip',
  });
}

/** All keys and values lie in memory; the KV store holds two tiles of them, as long as it and attention allow. */
function placeStages(model: TiledModel, hw: HardwareModel, derived: Derived): OnChip['kv'] {
  const rowBytes = model.shape.kvHeads * model.shape.headDimension * derived.kvElementBytes;
  const most = Math.floor(hw.kvStore.bytes / (4 * rowBytes));
  if (most < 1) {
    throw new LutraError({
      code: 'CMP023',
      message: `the KV store is too small for the model: 2 staged positions need ${4 * rowBytes} bytes, and it has ${hw.kvStore.bytes}`,
      hint: `raise kvStore.bytes to at least ${4 * rowBytes}`,
    });
  }
  const tilePositions = Math.min(most, hw.attention.scoreDepth, model.maxPositions);
  const stageBytes = tilePositions * 2 * rowBytes;
  return { rowBytes, residentPositions: 0, layerBytes: 0, stage: 0, stageBytes, tilePositions };
}

/** Cuts an operation's tiles into groups of at most `words` words, whose results begin and end at whole beats. */
function groupTiles(
  operation: TiledOperation,
  words: number,
  row: number,
  elementBytes: number,
  derived: Derived,
): WeightGroup[] {
  const beat = derived.portBytes / elementBytes;
  // Of the other operations, whole heads or whole rows are stored.
  const aligned = ({ pieces }: Tile) => !operation.paired || pieces.every(({ first }) => first % beat === 0);
  const groups: WeightGroup[] = [];
  const { tiles } = operation;
  for (let begin = 0; begin < tiles.length; ) {
    let [end, used] = [begin, 0];
    while (end < tiles.length && used + (tiles[end] as Tile).words <= words) {
      used = roundUp(used + (tiles[end] as Tile).words, row);
      end++;
    }
    while (end > begin && end < tiles.length && !aligned(tiles[end] as Tile)) end--;
    if (end === begin) {
      throw new LutraError({
        code: 'CMP025',
        message: `operation ${operation.name}: no group of tiles that fits ${words} words of the weight buffer ends at a whole beat of ${derived.portBytes} bytes of its results`,
        hint: 'raise weightBuffer.words, or keep activations on the chip',
      });
    }
    groups.push(groupOf(operation, tiles.slice(begin, end), row));
    begin = end;
  }
  return groups;
}

function groupOf(operation: TiledOperation, tiles: readonly Tile[], row: number): WeightGroup {
  let next = 0;
  const placed = tiles.map((tile) => {
    const offset = next;
    next = roundUp(offset + tile.words, row);
    return { tile, offset };
  });
  const ranges = operation.outputs.flatMap(({ name }): Range[] => {
    const pieces = tiles.flatMap((tile) => tile.pieces.filter(({ output }) => output === name));
    if (pieces.length === 0) return [];
    const first = Math.min(...pieces.map((piece) => piece.first));
    const end = Math.max(...pieces.map((piece) => piece.first + piece.columns));
    return [{ output: name, first, columns: end - first }];
  });
  return { operation, tiles: placed, ranges };
}
