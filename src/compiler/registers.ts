/** What the compiled program keeps in the front end's registers; register 0 is not used. */
export const registers = {
  /** Position of the first row of the pass. */
  position: 1,
  /** Rows that are still to be run before the next token is picked. */
  remaining: 2,
  /** Rows of the pass, of its second group if it has two; for the head, the place of the last row in `x`, plus one. */
  rows: 3,
  token: 4,
  /** In a two-pass head, the group of rows that is selected or scored. */
  group: 4,
  /** Address of the prompt's next token. */
  prompt: 5,
  /** Tokens picked so far. */
  drawn: 6,
  /** Most tokens to pick. */
  limit: 7,
  temperature: 8,
  topK: 9,
  seed: 10,
  /** Four stop tokens, 11 to 14. */
  stop: 11,
  layer: 15,
  /** In the coarse pass, the slot of bounds of the next load. */
  bounds: 15,
  /** Memory address of the next tile to load. */
  weightAddress: 16,
  /** Weight-buffer slot of the next load, and of the next run. */
  loadSlot: 17,
  runSlot: 18,
  /** Accumulator half of the next run. */
  sums: 19,
  /** Coefficient slot of the next load, and of the next use. */
  coefLoad: 20,
  coefUse: 21,
  /** Memory address of the next layer's coefficients; in the head, of the next tile's column scales. */
  coefAddress: 22,
  /** Counter of a tile loop; scratch elsewhere. */
  tiles: 23,
  /** Columns that a tile loop has done; scratch elsewhere. */
  destination: 24,
  /** Tiles of the coming layer that are loaded already. */
  preloaded: 25,
  /** Resident keys of the layer in the KV store; in the head, the first token of the tile. */
  kvResident: 26,
  firstToken: 26,
  /** Spilled keys of the layer in memory; in the head, the half of the logits buffer. */
  kvMemory: 27,
  logits: 27,
  /** 1 if a picked token starts the next pass; inside a layer, the flags of the next attend. */
  sampled: 28,
  flags: 28,
  /** In the coarse pass, the options of the next select. */
  selectOptions: 28,
  /** Staging slot of the next fill. */
  stage: 29,
  scratch0: 30,
  scratch1: 31,
} as const;
