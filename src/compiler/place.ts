/**
 * Pass 3, place: addresses of everything that lies in the on-chip buffers.
 */
import { LutraError } from '../base/diagnostics.ts';
import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { offsetRange } from '../isa/instruction.ts';
import type { LoweredModel } from './lower.ts';
import { engineRows, inputPitch, largestField, roundUp, rowCount, type TiledOperation, tileSums } from './tile.ts';

export interface TiledModel extends LoweredModel {
  /** Most rows that run together: tokens of the prompt. */
  readonly rowsPerPass: number;
  /** Groups of so many rows that a prefill pass takes through a layer in turns: 1 or 2. */
  readonly rowGroups: number;
  readonly maxPositions: number;
  readonly layer: readonly TiledOperation[];
  readonly head: TiledOperation;
  readonly coarse?: TiledOperation;
  /** Slots of the weight-buffer ring, and words of each. */
  readonly slots: number;
  readonly slotWords: number;
}

/** Rows of activations: where they begin and how far apart they are, in elements. */
export interface Rows {
  readonly address: number;
  readonly pitch: number;
}

export interface BufferUse {
  readonly name: string;
  readonly used: number;
  readonly capacity: number;
}

/** Offsets in a coefficient slot that holds a layer's coefficients. */
export interface CoefficientLayout {
  readonly inputNorm: number;
  readonly attentionSubNorm: number;
  readonly postNorm: number;
  readonly ffnSubNorm: number;
  /** Elements of all gains with their padding. */
  readonly gains: number;
  /** Weight scales: query, key, value, output, gate, up, down. */
  readonly scales: number;
}

export const scaleOrder = ['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const;

/** Keys and values on the chip, in bytes. */
export interface KvPlacement {
  /** One row of keys (or of values): all KV heads of one position. */
  readonly rowBytes: number;
  /** Positions 0 … residentPositions − 1 of every layer stay on the chip: [layer][keys | values][position]. */
  readonly residentPositions: number;
  readonly layerBytes: number;
  /** Two staging slots of [keys | values][tilePositions] for keys and values that lie in memory. */
  readonly stage: number;
  readonly stageBytes: number;
  readonly tilePositions: number;
}

/** Where a group of rows lives while it goes through the layers. */
export interface RowGroup {
  readonly x: Rows;
  readonly q: Rows;
  readonly k: Rows;
  readonly v: Rows;
  readonly o: Rows;
  readonly h: Rows;
  /** Coefficients: the rotations of its positions. */
  readonly rope: number;
  /** KV store: its keys and values, [keys | values][rowsPerPass]; used past the resident positions. */
  readonly current: number;
}

export interface OnChip {
  /** The first group serves alone in a pass of one group. The rotations of all groups follow each other. */
  readonly groups: readonly RowGroup[];
  readonly logits: Rows;
  /** Two slots of bounds of coarse logits, where there are any. */
  readonly bounds?: Rows;
  readonly coef: {
    /** Two slots; every coefficient load takes the next. */
    readonly ring: number;
    readonly slotElements: number;
    readonly layout: CoefficientLayout;
  };
  /** Sums of one half of the accumulator buffer. */
  readonly sumSlot: number;
  readonly kv: KvPlacement;
  readonly buffers: readonly BufferUse[];
}

/**
 * Places a tiled model.
 * Throws CMP020 (rows per pass against a unit's limit), CMP024 (the shape of a head against the width of a port), CMP021 (a buffer is too small), CMP022 (a row pitch does not
 * fit its field), CMP023 (the KV store).
 */
export function place(model: TiledModel, hw: HardwareModel, derived: Derived): OnChip {
  refuseRows(model, hw);
  refuseNarrowHeads(model, derived);
  const act = placeActivations(model, hw, derived);
  const coef = placeCoefficients(model, derived);
  const kv = placeKv(model, hw, derived);
  const operations = [...model.layer, ...headPasses(model)];
  const input = Math.max(
    ...operations.map(
      (operation) => engineRows(operation, model.rowsPerPass) * inputPitch(operation.blocks, hw, derived),
    ),
  );
  const sumSlot = Math.max(
    ...operations.flatMap((operation) =>
      operation.tiles.map(({ steps }) => tileSums(operation, steps, model.rowsPerPass, hw.matmul.columns, derived)),
    ),
  );
  const kvUsed = kv.tilePositions > 0 ? kv.stage + 2 * kv.stageBytes : kv.layerBytes * model.shape.layerCount;
  const buffers: BufferUse[] = [
    { name: 'weights', used: model.slots * model.slotWords, capacity: hw.weightBuffer.words },
    { name: 'input', used: input, capacity: hw.matmul.inputElements },
    { name: 'acc', used: 2 * sumSlot, capacity: hw.matmul.accumulatorElements },
    { name: 'act', used: act.used, capacity: hw.vector.activationElements },
    { name: 'coef', used: coef.ring + 2 * coef.slotElements, capacity: hw.vector.coefficientElements },
    { name: 'kv', used: kvUsed, capacity: hw.kvStore.bytes },
  ];
  for (const buffer of buffers) refuseOverflow(buffer, model.rowsPerPass);
  const { rowsPerPass, shape } = model;
  const groups = act.groups.map((rows, group) => ({
    ...rows,
    rope: group * rowsPerPass * shape.headDimension,
    current: shape.layerCount * kv.layerBytes + group * 2 * rowsPerPass * kv.rowBytes,
  }));
  const { logits, bounds } = act;
  return { groups, logits, ...(bounds && { bounds }), coef, sumSlot, kv, buffers };
}

/** Fields of the hardware model that say how large the buffers are. */
const capacityFields: Record<string, string> = {
  weights: 'weightBuffer.words',
  input: 'matmul.inputElements',
  acc: 'matmul.accumulatorElements',
  act: 'vector.activationElements',
  coef: 'vector.coefficientElements',
  kv: 'kvStore.bytes',
};

export function refuseOverflow({ name, used, capacity }: BufferUse, rowsPerPass: number): void {
  if (used <= capacity) return;
  const field = capacityFields[name];
  throw new LutraError({
    code: 'CMP021',
    message: `the ${name} buffer is too small for the model: with ${rowCount(rowsPerPass)} per pass it needs ${used} elements, and ${field} is ${capacity}`,
    hint: `raise ${field} to at least ${used}${orFewerRows(rowsPerPass)}`,
  });
}

function orFewerRows(rowsPerPass: number): string {
  return rowsPerPass > 1 ? ', or lower --rows-per-pass' : '';
}

export function refuseRows(model: TiledModel, hw: HardwareModel): void {
  const { rowsPerPass, shape } = model;
  const state = rowsPerPass * shape.heads * shape.headDimension;
  for (const [value, limit, field] of [
    [rowsPerPass, hw.matmul.maxRows, 'matmul.maxRows'],
    [rowsPerPass, hw.vector.maxRows, 'vector.maxRows'],
    [rowsPerPass, hw.attention.maxRows, 'attention.maxRows'],
    [state, hw.attention.stateElements, 'attention.stateElements'],
  ] as const) {
    if (value <= limit) continue;
    const what =
      field === 'attention.stateElements'
        ? `${rowCount(rowsPerPass)} × ${shape.heads} heads × ${shape.headDimension} are ${value} elements of attention state`
        : `a pass of ${rowCount(value)}`;
    throw new LutraError({
      code: 'CMP020',
      message: `${what}: more than ${field}, which is ${limit}`,
      hint: `raise ${field} to at least ${value}${orFewerRows(rowsPerPass)}`,
    });
  }
}

/** The rotations of several positions are rows of a head, which dma moves in whole beats. */
export function refuseNarrowHeads({ rowsPerPass, shape }: TiledModel, { portBytes }: Derived): void {
  const beat = portBytes / 4;
  if (rowsPerPass === 1 || shape.headDimension % beat === 0) return;
  throw new LutraError({
    code: 'CMP024',
    message: `the model's head dimension ${shape.headDimension} is not a multiple of the ${beat} float32 elements of a port's beat`,
    hint: 'lower memory.portBits, or --rows-per-pass to 1',
  });
}

/**
 * The residual stream `x` lives through the whole pass. The rest of a group share one region in turns: queries, keys,
 * values and attention output; then the gated activations; then, for the whole pass, two tiles of logits. Who writes a
 * region next always comes after its last reader: see `channels.ts`. Groups are a whole number of rows of `x` apart.
 * An operand must not lie in two banks.
 */
function placeActivations(model: TiledModel, hw: HardwareModel, derived: Derived) {
  const { shape, rowsPerPass, rowGroups } = model;
  const { lanes } = hw.vector;
  const queryPitch = shape.heads * shape.headDimension;
  const kvPitch = shape.kvHeads * shape.headDimension;
  // Rows come from memory, whatever their format, and what follows them begins a word.
  const xPitch = roundUp(shape.hiddenSize, derived.actWordElements);
  const hPitch = roundUp(shape.intermediateSize, lanes);
  // Bounds come from memory, and what does begins a word.
  const logitsPitch = roundUp(largestPiece(model), model.coarse ? derived.actWordElements : lanes);
  for (const pitch of [queryPitch, xPitch, hPitch]) {
    if (pitch <= largestField) continue;
    throw new LutraError({
      code: 'CMP022',
      message: `rows of ${pitch} activations do not fit the 16-bit pitch of the vector unit's instructions`,
      hint: `at most ${largestField}`,
    });
  }
  // Each group in a bank of its own, where there are two: then attention and the vector unit do not share a port.
  const bank = hw.vector.activationElements / hw.vector.activationBanks;
  // One group alone may be longer than a bank; then what would lie in two begins with the second.
  const inBank = (address: number, elements: number) =>
    rowGroups === hw.vector.activationBanks ||
    Math.floor(address / bank) === Math.floor((address + elements - 1) / bank)
      ? address
      : roundUp(address, bank);
  const shared = rowsPerPass * xPitch;
  const region = shared + rowsPerPass * Math.max(2 * queryPitch + 2 * kvPitch, hPitch);
  const logitTiles = (model.coarse ? 4 : 2) * logitsPitch;
  const logits = inBank(shared, logitTiles);
  const bounds = logits + 2 * logitsPitch;
  const first = Math.max(region, logits + logitTiles);
  const groupDistance = roundUp(rowGroups === hw.vector.activationBanks ? Math.max(bank, first) : first, xPitch);
  const groups = Array.from({ length: rowGroups }, (_, group) => {
    const x = group * groupDistance;
    const q = inBank(x + rowsPerPass * xPitch, rowsPerPass * queryPitch);
    const k = inBank(q + rowsPerPass * queryPitch, rowsPerPass * kvPitch);
    const v = inBank(k + rowsPerPass * kvPitch, rowsPerPass * kvPitch);
    const o = inBank(v + rowsPerPass * kvPitch, rowsPerPass * queryPitch);
    const h = inBank(x + rowsPerPass * xPitch, rowsPerPass * hPitch);
    return {
      x: { address: x, pitch: xPitch },
      q: { address: q, pitch: queryPitch },
      k: { address: k, pitch: kvPitch },
      v: { address: v, pitch: kvPitch },
      o: { address: o, pitch: queryPitch },
      h: { address: h, pitch: hPitch },
    };
  });
  const { o, h } = groups[0] as (typeof groups)[number];
  const end = Math.max(o.address + rowsPerPass * queryPitch, h.address + rowsPerPass * hPitch);
  return {
    groups,
    logits: { address: logits, pitch: logitsPitch },
    ...(model.coarse && { bounds: { address: bounds, pitch: logitsPitch } }),
    used: rowGroups > 1 ? (rowGroups - 1) * groupDistance + region : Math.max(first, end),
  };
}

export function placeCoefficients(model: TiledModel, derived: Derived): OnChip['coef'] {
  const { shape, rowsPerPass, rowGroups } = model;
  // What comes from memory begins a word.
  const word = derived.coefWordElements;
  let next = 0;
  const gains = (present: boolean, elements: number) => {
    const address = next;
    if (present) next += roundUp(elements, word);
    return address;
  };
  const inputNorm = gains(true, shape.hiddenSize);
  const attentionSubNorm = gains(model.attentionSubNorm, shape.heads * shape.headDimension);
  const postNorm = gains(true, shape.hiddenSize);
  const ffnSubNorm = gains(model.ffnSubNorm, shape.intermediateSize);
  const slotElements = roundUp(Math.max(next + scaleOrder.length, shape.hiddenSize, largestPiece(model)), word);
  return {
    ring: roundUp(rowGroups * rowsPerPass * shape.headDimension, word),
    slotElements,
    layout: { inputNorm, attentionSubNorm, postNorm, ffnSubNorm, gains: next, scales: next },
  };
}

/** The passes of the head, in their order. */
export function headPasses({ coarse, head }: TiledModel): readonly TiledOperation[] {
  return coarse ? [coarse, head] : [head];
}

/** Columns of the largest tile of the head. */
export function largestPiece(model: TiledModel): number {
  let largest = 0;
  for (const { tiles } of headPasses(model)) {
    for (const { pieces } of tiles) for (const { columns } of pieces) largest = Math.max(largest, columns);
  }
  return largest;
}

/** Positions of a staged tile that are worth having before more positions stay on the chip. */
const usefulTilePositions = 64;

/**
 * All positions of all layers on the chip if they fit. Otherwise the current rows, two staging slots, and as many
 * resident positions as the rest holds. Resident positions are a multiple of the rows of a pass, so a prefill pass is
 * either wholly resident or wholly not.
 */
function placeKv(model: TiledModel, hw: HardwareModel, derived: Derived): KvPlacement {
  const { shape, rowsPerPass, rowGroups, maxPositions } = model;
  const rowBytes = shape.kvHeads * shape.headDimension * derived.kvElementBytes;
  const positionBytes = 2 * rowBytes;
  // Offsets beside a register reach this far.
  const bytes = Math.min(hw.kvStore.bytes, offsetRange.high);
  const everything = shape.layerCount * maxPositions * positionBytes;
  if (everything <= bytes) {
    const layerBytes = maxPositions * positionBytes;
    const none = { stage: everything, stageBytes: 0, tilePositions: 0 };
    return { rowBytes, residentPositions: maxPositions, layerBytes, ...none };
  }
  if (rowBytes % derived.portBytes !== 0) {
    throw new LutraError({
      code: 'CMP024',
      message: `keys of a position are ${rowBytes} bytes, not whole beats of ${derived.portBytes} bytes, and the KV store has no room for all positions`,
      hint: `lower memory.portBits, or raise kvStore.bytes to at least ${everything}`,
    });
  }
  const rows = rowGroups * rowsPerPass;
  const forTiles = bytes - rows * positionBytes;
  const most = Math.min(hw.attention.scoreDepth, Math.floor(forTiles / (2 * positionBytes)));
  if (most < 1) {
    const needed = (rows + 2) * positionBytes;
    throw new LutraError({
      code: 'CMP023',
      message: `the KV store is too small for the model: ${rows} current and 2 staged positions need ${needed} bytes, and it has ${bytes}`,
      hint: `raise kvStore.bytes to at least ${needed}${orFewerRows(rowsPerPass)}`,
    });
  }
  const tile = Math.min(most, usefulTilePositions);
  const rest = forTiles - 2 * tile * positionBytes;
  const passes = Math.floor(rest / (shape.layerCount * positionBytes * rowsPerPass));
  const residentPositions = Math.min(passes * rowsPerPass, Math.floor(maxPositions / rowsPerPass) * rowsPerPass);
  const layerBytes = residentPositions * positionBytes;
  // What is left over makes the staged tiles longer.
  const spare = rest - shape.layerCount * layerBytes;
  const tilePositions = Math.min(most, tile + Math.floor(spare / (2 * positionBytes)));
  return {
    rowBytes,
    residentPositions,
    layerBytes,
    stage: shape.layerCount * layerBytes + rows * positionBytes,
    stageBytes: tilePositions * positionBytes,
    tilePositions,
  };
}
