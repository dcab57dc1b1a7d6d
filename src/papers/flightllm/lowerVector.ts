/** A decode step: matrix by vector. The vector stays in buffer B; weights, keys and values stream through buffer A. */
import { type Attention, cutInputs, type Linear, type Lowering } from './context.ts';
import { LD, MISC, MV, ST } from './program.ts';

/** Weights are cut into tiles of columns and, where buffer A is too small, into pieces of inputs. */
export function lowerVectorLinear(lowering: Lowering, linear: Linear): void {
  const { machine, timing, builder } = lowering;
  const { block, vector, buffers, formats, misc } = machine;
  const { inputs, columns, density, then } = linear;
  const { channels, lines, vectorLineBytes } = buffers.a;
  const channelColumns = vector.tileColumns / channels;
  const { blocks, ahead } = cutInputs(
    lowering,
    inputs / block,
    {
      weights: block ** 2 / vectorLineBytes,
      weightBuffer: lines,
      indices: block ** 2 / 2 / buffers.meta.lineBytes,
    },
    Math.ceil((inputs * channelColumns) / vectorLineBytes / Math.floor(lines / 2)),
  );
  const groups = Math.ceil(columns / vector.tileColumns);
  const total = groups * blocks.length;
  const weightBytes = (formats.weightBits / 8) * density;
  const tileCycles = Math.ceil(vector.tileColumns / misc.lanes);

  builder.issue(LD, timing.cross(inputs));
  if (linear.bias) builder.issue(LD, timing.same(columns * formats.biasBytes, 1));
  let tile = 0;
  for (let group = 1; group <= groups; group++) {
    const isLastGroup = group === groups;
    for (const [piece, pieceBlocks] of blocks.entries()) {
      tile++;
      const pieceInputs = pieceBlocks * block;
      const bytes = pieceInputs * channelColumns * weightBytes;
      builder.issueMany(channels, LD, timing.same(bytes, channels), tile > ahead ? MV : 0, MV);
      const isLastPiece = piece === blocks.length - 1;
      const reader = isLastPiece && then !== undefined ? MISC : 0;
      const writer = isLastPiece && isLastGroup && then === undefined ? ST : 0;
      const cycles = (vector.tileColumns * pieceInputs * density) / vector.macsPerCycle;
      builder.issue(MV, timing.cycles(cycles), LD, (tile + ahead <= total ? LD : 0) | reader | writer);
    }
    if (then !== undefined) elementwise(lowering, then, tileCycles, vector.tileColumns, MV, isLastGroup ? ST : 0);
  }
  builder.issue(ST, timing.same(columns, 1), then === undefined ? MV : MISC);
}

/** SiLU needs no operand, a sum or product loads one, RoPE loads sine and cosine for two products and then adds. */
function elementwise(
  { machine, timing, builder }: Lowering,
  kind: NonNullable<Linear['then']>,
  passCycles: number,
  operandBytes: number,
  after: number,
  releases: number,
): void {
  const { misc, buffers } = machine;
  const { channels } = buffers.output;
  const milliseconds = timing.cycles(passCycles * (kind === 'silu' ? misc.passes.silu : misc.passes.elementwise));
  const operands = { silu: 0, elementwise: 1, rope: 2 }[kind];
  for (let i = 0; i < operands; i++) {
    builder.issueMany(channels, LD, timing.same(operandBytes, channels), 0, MISC);
  }
  const operand = operands > 0 ? LD : 0;
  if (kind !== 'rope') builder.issue(MISC, milliseconds, operand | after, releases);
  else {
    builder.issue(MISC, milliseconds, LD | after);
    builder.issue(MISC, milliseconds, LD);
    builder.issue(MISC, milliseconds, 0, releases);
  }
}

/** Every head's scores and their softmax, or its weighted sum of values, over `positions`. */
export function lowerVectorAttention(lowering: Lowering, attention: Attention, positions: number): void {
  const { machine, timing, builder } = lowering;
  const { block, vector, buffers, misc } = machine;
  const { part, heads, headDimension } = attention;
  const { channels, lines, vectorLineBytes } = buffers.a;
  const [inputs, columns] = part === 'scores' ? [headDimension, positions] : [positions, headDimension];
  const tiles = Math.ceil(columns / vector.tileColumns);
  const ahead = Math.floor(lines / Math.ceil((inputs * vector.tileColumns) / channels / vectorLineBytes));
  const columnBlocks = columns / block;
  // Blocks lie in the channels by turns; short rows leave some channels without any.
  const rounds = vector.tileColumns / block / channels;
  const blocksOf = (channel: number) => Math.min(rounds, Math.ceil((columnBlocks - channel) / channels));
  const loading = Array.from({ length: channels }, (_, channel) => blocksOf(channel)).filter((count) => count > 0);
  const cycles = (vector.tileColumns * inputs) / vector.macsPerCycle;
  const softmaxCycles = Math.ceil((positions * misc.passes.softmax) / misc.lanes);

  builder.issue(LD, timing.cross(heads * inputs));
  for (let head = 1; head <= heads; head++) {
    for (let tile = 1; tile <= tiles; tile++) {
      for (const [i, blocks] of loading.entries()) {
        const waits = i === 0 && tile > ahead ? MV : 0;
        const bytes = inputs * block * blocks;
        builder.issue(LD, timing.same(bytes, channels), waits, i === loading.length - 1 ? MV : 0);
      }
      const reader = tile < tiles ? 0 : part === 'scores' ? MISC : head === heads ? ST : 0;
      builder.issue(MV, timing.cycles(cycles), LD, (tile + ahead <= tiles ? LD : 0) | reader);
    }
    if (part === 'scores') builder.issue(MISC, timing.cycles(softmaxCycles), MV, head === heads ? ST : 0);
  }
  builder.issue(ST, timing.same(heads * columns, 1), part === 'scores' ? MISC : MV);
}

/** The cache of keys or values is moved so that the new position follows it. */
export function lowerConcatenation({ machine, timing, builder }: Lowering, cacheBytes: number): void {
  const { channels } = machine.buffers.a;
  const bytes = Math.ceil(cacheBytes / channels);
  for (let channel = 0; channel < channels; channel++) builder.issue(LD, timing.same(bytes, channels));
  // The new position is stored where the projection before put it.
  builder.issue(ST, 0);
}
