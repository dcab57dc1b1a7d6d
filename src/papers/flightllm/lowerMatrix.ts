/** A prompt: matrix by matrix. Activations stay in buffer A, 128 rows at a time; weights stream through buffer B. */
import { type Attention, cutInputs, type Linear, type Lowering } from './context.ts';
import { LD, MISC, MM, ST } from './program.ts';

/** Rows in tiles, then columns block by block, then pieces of inputs. `rows` fill their tiles. */
export function lowerMatrixLinear(lowering: Lowering, linear: Linear, rows: number): void {
  const { machine, timing, builder } = lowering;
  const { block, matrix, buffers, formats } = machine;
  const { inputs, columns, density, then } = linear;
  const { channels } = buffers.a;
  const blockBytes = block ** 2;
  const inputBlocks = inputs / block;
  const weightLines = blockBytes / buffers.b.matrixLineBytes;
  const { blocks, ahead } = cutInputs(
    lowering,
    inputBlocks,
    {
      weights: weightLines,
      weightBuffer: buffers.b.lines,
      indices: blockBytes / 2 / buffers.meta.lineBytes,
    },
    Math.ceil((inputBlocks * weightLines) / Math.floor(buffers.b.lines / 2)),
  );
  const outputs = columns / block;
  const total = outputs * blocks.length;
  const rowBlocks = matrix.tileRows / block;
  const tiles = rows / matrix.tileRows;
  const weightBytes = (formats.weightBits / 8) * density;
  const outputsAhead = buffers.output.lines;

  if (linear.bias) builder.issue(LD, timing.same(columns * formats.biasBytes, 1));
  for (let rowTile = 1; rowTile <= tiles; rowTile++) {
    const isLastTile = rowTile === tiles;
    builder.issueMany(rowBlocks, LD, timing.same(blockBytes * inputBlocks, channels), rowTile > 1 ? MM : 0, 0);
    let piece = 0;
    for (let output = 1; output <= outputs; output++) {
      const outWaits = output > outputsAhead;
      const outReleases = output + outputsAhead <= outputs;
      for (const [i, pieceBlocks] of blocks.entries()) {
        piece++;
        const bytes = pieceBlocks * blockBytes * weightBytes;
        builder.issue(LD, timing.cross(bytes), piece > ahead ? MM : 0, MM);
        const isLast = i === blocks.length - 1;
        const user = then === undefined ? ST : MISC;
        const freesRows = piece === total && !isLastTile;
        const cycles = (matrix.tileRows * pieceBlocks * blockBytes * density) / matrix.macsPerCycle;
        builder.issue(
          MM,
          timing.cycles(cycles),
          LD | (isLast && outWaits ? user : 0),
          (isLast ? user : 0) | (piece + ahead <= total || freesRows ? LD : 0),
        );
      }
      if (then !== undefined) elementwise(lowering, then, rowBlocks, ST | (outReleases ? MM : 0));
      const waits = then === undefined ? MM : MISC;
      const releases = then === undefined && outReleases ? MM : 0;
      builder.issueMany(rowBlocks, ST, timing.same(blockBytes, channels), waits, releases);
    }
  }
}

/** As in a decode step, on a tile of rows: every channel has lanes of its own, so a block of rows is a cycle. */
function elementwise(
  { machine, timing, builder }: Lowering,
  kind: NonNullable<Linear['then']>,
  rowBlocks: number,
  releases: number,
): void {
  const { block, misc, buffers } = machine;
  const passes = kind === 'silu' ? misc.passes.silu : misc.passes.elementwise;
  const milliseconds = timing.cycles(((rowBlocks * block) / misc.lanes) * passes);
  const operands = { silu: 0, elementwise: 1, rope: 2 }[kind];
  for (let i = 0; i < operands; i++) {
    builder.issueMany(rowBlocks, LD, timing.same(block ** 2, buffers.output.channels), 0, MISC);
  }
  if (kind !== 'rope') builder.issue(MISC, milliseconds, (operands > 0 ? LD : 0) | MM, releases);
  else {
    builder.issue(MISC, milliseconds, LD | MM);
    builder.issue(MISC, milliseconds, LD);
    builder.issue(MISC, milliseconds, 0, releases);
  }
}

/**
 * Every head's scores and softmax, or its weighted sum of values, causal in blocks of the mask. Blocks above the
 * diagonal are neither multiplied nor stored as scores; for the sum of values they are filled with zeros.
 */
export function lowerMatrixAttention(lowering: Lowering, attention: Attention, rows: number): void {
  const { machine, timing, builder } = lowering;
  const { block, matrix, buffers, misc, maskBlock } = machine;
  const { part, heads, headDimension } = attention;
  const isScores = part === 'scores';
  const { channels } = buffers.a;
  const blockBytes = block ** 2;
  const inputBlocks = (isScores ? headDimension : rows) / block;
  const outputs = (isScores ? rows : headDimension) / block;
  const ahead = Math.floor(buffers.b.lines / (inputBlocks * (blockBytes / buffers.b.matrixLineBytes)));
  const tilesAhead = Math.floor(buffers.output.lines / outputs);
  const rowBlocks = matrix.tileRows / block;
  const tiles = rows / matrix.tileRows;
  /** Blocks of columns that a block of rows attends to. */
  const seen = (rowBlock: number) => (Math.floor((rowBlock * block) / maskBlock) + 1) * (maskBlock / block);
  const load = timing.cross(blockBytes * inputBlocks);
  const multiply = timing.cycles((matrix.tileRows * inputBlocks * blockBytes) / matrix.macsPerCycle);

  for (let head = 0; head < heads; head++) {
    for (let tile = 1; tile <= tiles; tile++) {
      const first = (tile - 1) * rowBlocks;
      loadRows(lowering, isScores, first, inputBlocks, seen, tile > 1 ? MM : 0);
      const count = isScores ? seen(first + rowBlocks - 1) : outputs;
      const user = isScores ? MISC : ST;
      const outReleases = tile + tilesAhead <= tiles;
      for (let i = 1; i <= count; i++) {
        builder.issue(LD, load, i > ahead ? MM : 0, MM);
        const isLast = i === count;
        const frees = i + ahead <= count || (isLast && tile < tiles);
        const waits = LD | (tile > tilesAhead && i === 1 ? user : 0);
        builder.issue(MM, multiply, waits, (frees ? LD : 0) | (isLast ? user : 0));
      }
      for (let r = 0; r < rowBlocks; r++) {
        const released = outReleases && r === rowBlocks - 1 ? MM : 0;
        const after = r === 0 ? MM : 0;
        const stored = isScores ? seen(first + r) : outputs;
        if (isScores) {
          const cycles = ((stored * block) / misc.lanes) * misc.passes.softmax;
          builder.issueMany(block, MISC, timing.cycles(cycles), after, ST | released);
        }
        const milliseconds = timing.same(stored * blockBytes, channels);
        builder.issue(ST, milliseconds, isScores ? MISC : after, isScores ? 0 : released);
      }
    }
  }
}

/** Queries, or softmax results with zeros above the diagonal, of a tile of rows. */
function loadRows(
  { machine, timing, builder }: Lowering,
  isScores: boolean,
  first: number,
  inputBlocks: number,
  seen: (rowBlock: number) => number,
  waits: number,
): void {
  const { block, matrix, buffers } = machine;
  const { channels, matrixLineBytes } = buffers.a;
  const blockBytes = block ** 2;
  for (let r = 0; r < matrix.tileRows / block; r++) {
    const awaited = r === 0 ? waits : 0;
    const stored = isScores ? inputBlocks : seen(first + r);
    const zeros = inputBlocks - stored;
    if (zeros > 0) builder.issue(LD, timing.cycles((blockBytes * zeros) / (matrixLineBytes * channels)), awaited);
    builder.issue(LD, timing.same(blockBytes * stored, channels), zeros > 0 ? 0 : awaited);
  }
}
