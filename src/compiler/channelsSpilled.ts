/**
 * The channels of a program whose activations are spilled, and why they suffice. As in `channels.ts`, no two lead from
 * the same unit to the same unit, every count is given earlier in program order than it is taken (or is primed), and
 * whoever takes a count knows all that its giver knew. The channels of the head are those of `channels.ts`: before and
 * after it the pairs that it shares are brought to what it expects.
 *
 * An operation goes through the rows of a pass in chunks, which take turns in two halves of the activation buffer. In
 * program order: load 0; load 1, work on 0, store 0; load 2, work on 1, store 1; …
 *
 * rowsLoaded   dma → vector. The last load of chunk n gives, its quantisation takes. What else dma loaded or stored
 *              before is known too: the layer's coefficients, and that the half's last stores are over, because store
 *              n − 2 comes before load n. With `fuse: false` one more per operation, after its last store.
 * rowsDone     vector → dma. The last dequantisation of chunk n gives, the first store of chunk n takes. So load n + 2,
 *              which follows, overwrites what nobody reads any more; and the coefficients of layer l + 1, which are
 *              loaded after all stores of layer l − 1, may lie where those of layer l − 1 lay.
 * matmulGo, sumsReady   as in `channels.ts`: a chunk of t tiles gives and takes t + 2 and t, so nothing is left between
 *              chunks. Inputs are overwritten by the next quantisation, which follows the last dequantisation.
 * weightsResident   weightBuffer → matmul. The last load of a group of tiles gives; a sync before the group's first run
 *              takes.
 * weightsUsed  matmul → weightBuffer. Primed with one count for each area of the weight buffer; a sync after the group's
 *              last run gives, the first load into the area takes. Groups go round through the areas, so it overwrites
 *              the group that gave the count.
 * floatDone    vector → weightBuffer, only with `fuse: false`: a sync after everything before gives, a sync before the
 *              group's first load takes.
 * keysWritten  dma → kvStore. Once per layer, after the last store of keys and values; a sync before the first fill takes.
 * queriesLoaded   dma → attention. Per block of queries; `configure` takes. The outputs that lay in that half are stored:
 *              store n − 2 comes before load n.
 * outputsWritten  attention → dma. The last attend of a block gives, the store of its outputs takes.
 * tileStaged   kvStore → attention. The fill of a tile's values gives, its attend takes.
 * stageFree    attention → kvStore. Primed with 2, for the two staging slots; the last attend of a tile gives, the fill of
 *              the keys of the tile after the next takes.
 * xFree        vector → frontEnd. The head's quantisation gives; the front end takes one before the next pass begins.
 */
import type { IssueUnit } from '../isa/table.ts';

/** Who gives and who takes. */
export const spilledChannels = {
  rowsLoaded: { from: 'dma', to: 'vector' },
  rowsDone: { from: 'vector', to: 'dma' },
  weightsResident: { from: 'weightBuffer', to: 'matmul' },
  weightsUsed: { from: 'matmul', to: 'weightBuffer' },
  sumsReady: { from: 'matmul', to: 'vector' },
  matmulGo: { from: 'vector', to: 'matmul' },
  floatDone: { from: 'vector', to: 'weightBuffer' },
  keysWritten: { from: 'dma', to: 'kvStore' },
  queriesLoaded: { from: 'dma', to: 'attention' },
  outputsWritten: { from: 'attention', to: 'dma' },
  tileStaged: { from: 'kvStore', to: 'attention' },
  stageFree: { from: 'attention', to: 'kvStore' },
  xFree: { from: 'vector', to: 'frontEnd' },
} as const satisfies Record<string, { from: IssueUnit; to: IssueUnit }>;
