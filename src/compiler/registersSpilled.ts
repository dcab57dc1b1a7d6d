/**
 * What a program whose activations are spilled keeps in registers inside its layers; the rest is in `registers.ts`, and
 * the head uses all of that. `remaining` holds the rows of the pass, `rows` those of the chunk.
 */
import { registers } from './registers.ts';

export const spilledRegisters = {
  /** First row of the last chunk. The token is needed only before the layers. */
  lastRow: registers.token,
  /** Keys of the layer in memory. The prompt is needed only before the layers. */
  keys: registers.prompt,
  /** Areas of the weight buffer of the next load and of the next run. */
  loadArea: registers.loadSlot,
  runArea: registers.runSlot,
  /** First row of the chunk, and of the next one. */
  row: registers.preloaded,
  nextRow: registers.firstToken,
  /** Rows of the next chunk, while it is loaded; in attention, positions of the tile. */
  nextRows: registers.destination,
  count: registers.destination,
  /** Position of the block's first query. */
  query: registers.logits,
  /** First position of the tile. */
  tile: registers.tiles,
} as const;
