/**
 * The channels of a compiled program, and why they suffice.
 *
 * A channel is a stream of permissions from one unit to another. No two channels lead from the same unit to the
 * same unit, so a semaphore never mixes two meanings: units run their instructions in order, hence the n-th count that the
 * consumer takes is the n-th that the producer gave. Each argument below is about "the n-th" of both sides.
 *
 * Two facts carry all of them:
 *
 * (A) *Program order is a schedule.* Every count is given by an instruction that comes earlier in program order than
 *     the one that takes it (or is primed at the start). So the earliest unfinished instruction can always start, and
 *     the front end, which issues in program order, always gets room: no deadlock, whatever the queue depths.
 * (B) *Happens-before is transitive.* Whoever takes a count knows everything that its giver knew.
 *
 * weightReady  weightBuffer → matmul. Load n gives, run n takes. Tile order is the same on both sides, also for the
 *              loads that are issued early, before the layer that uses them.
 * weightFree   matmul → weightBuffer. Primed with one count per slot; run n gives, load n takes. Slots go round, so
 *              load n writes what run n − slots read, whose count is the one it takes. Loads that the last pass issued
 *              for a pass that never comes find a count each: all runs are over, at most `slots − 1` loads are
 *              outstanding, and so `halt` is reached.
 * sumsReady    matmul → vector. Run n gives; the first dequantisation of tile n takes.
 * matmulGo     vector → matmul. An operation of t tiles gives t + 2 counts: its quantisation, a sync after it, the last
 *              dequantisation of each tile. It takes t + 2: each run, then two syncs. Nothing is left between
 *              operations, so within one: run 0 takes the quantisation's (inputs are there, and all earlier sums are
 *              read, being earlier in the vector unit); run 1 takes the sync's; run i takes that of tile i − 2, whose
 *              half of the accumulators it overwrites. Inputs are overwritten by the next quantisation, which follows
 *              the last dequantisation, which followed the last run.
 * dmaDone      dma → vector. Both sides in the order: coefficients of layer 0 (before the pass), activations and
 *              rotations of the pass, coefficients of layers 1, 2, …, then, if a token is picked, final norm and the
 *              column scales of each head tile. The vector unit takes them by a sync before the pass, the first
 *              quantisation of each layer, the head's quantisation, and the dequantisation of each head tile.
 * coefFree     vector → dma. Primed with 2, for the two coefficient slots; coefficient load n (of a layer, of the final
 *              norm, of a head tile) takes, the last use of what load n brought gives. Slots alternate, so load n
 *              overwrites what load n − 2 brought, whose count it takes. Layer l + 1 is loaded at the start of layer l,
 *              when layer l − 1 has given its count: (A) holds.
 * xFree        vector → frontEnd. Primed with 1; the last reader of activations of a pass gives (after the layers, or
 *              the head's quantisation), the front end takes one before it issues the next pass's rotations and
 *              activations. The rotations are read before that too.
 * rowsReady    vector → kvStore. Two per layer: the last keys, the last values; `append` of keys and of values take.
 * rowsKept     kvStore → attention. Per layer: the append of values, then each fill of values, or a sync where that was
 *              filled ahead; attention takes one before its first attend of the layer, and each attend of a staged tile
 *              takes one. By (B) the queries are there too: they were written before the last values were. Fills ahead
 *              come before the append in the unit's order, so the first count vouches for them.
 * stageFree    attention → kvStore. Primed with 2, for the two staging slots; the attend of staged tile n gives, the
 *              fill of keys of staged tile n takes, so it overwrites what tile n − 2 held, also ahead: at most two tiles
 *              of a layer are, and all attends of the layer before come earlier in program order. The current rows need none:
 *              the next layer's append follows (rowsReady) its dequantisations, which follow this layer's attention.
 * attended     attention → vector. The last attend of a layer gives; the quantisation of `o` takes. Queries, keys,
 *              values and attention output may then be overwritten, by the gated activations for instance.
 * logitsReady  vector → sampler. Per head tile: dequantisation gives, scan takes.
 * logitsFree   sampler → vector. Primed with 2, for the two halves of the logits; scan gives, dequantisation takes. The
 *              halves begin anew with each token: all scans are over then, since the front end received the pick.
 *              Logits share the region of the queries: the next pass's are issued after that pick too.
 * boundsFree   sampler → dma, only in a two-pass head. Primed with 2, for the two slots of bounds; select of coarse tile n
 *              gives, the load of the bounds of tile n takes. They lie where activations lay: the scales of the same
 *              tile, loaded just before, take the `coefFree` of the last layer, whose last use follows all readers of
 *              those activations. That bounds are there when select reads them follows by (B): the dequantisation
 *              that gives `logitsReady` took the `dmaDone` of the bounds' load.
 * floatDone    vector → weightBuffer, only with `fuse: false`. An operation's quantisation gives, a sync before its
 *              first load takes.
 *
 * A two-pass head scores its groups as an operation of its own, of as many tiles as groups come: two syncs give
 * `matmulGo`, each group takes one and gives one, two syncs take it. Its loads and runs go round through the same slots.
 * What the front end receives from the shortlist, `sampler.next` gave earlier in program order: (A) holds, and as many
 * are asked for as the mailbox has room for.
 *
 * In a co-processor program (`coprocessor.ts`), whose vector work the host does, of each product with t tiles:
 *
 * inputsReady  dma → matmul. As matmulGo: the load of the product's inputs, a sync after it and the store of each tile's
 *              sums give, t + 2 counts; each run takes one, then two syncs. So run i comes after the store of tile i − 2,
 *              whose half of the accumulators it overwrites, and the inputs of the next product after all runs.
 * sumsDone     matmul → dma. Run n gives; the store of tile n's sums takes.
 * productBegun dma → weightBuffer. The load of the inputs gives, the first load of weights takes: nothing streams while
 *              the host works, and the ring of slots begins anew, all runs of the product before being over.
 *
 * A pass of two groups of rows (`emitPair.ts`) uses the same channels. Its operations follow each other one by one, now
 * of the one group, now of the other, so all that is said of an operation holds. What differs:
 *
 * dmaDone      one count for the activations and rotations of both groups; the first group's `qkv` of each layer takes.
 * coefFree     given when both groups are through with a layer. Layer l + 2 is loaded then, while both slots, l + 1 and
 *              l, are behind the loads: it takes the count just given.
 * attended     the groups' attends alternate, and so do their quantisations of `o`; between a group's two are an attend
 *              and a quantisation of the other's, on both sides.
 * rowsKept     rows of the pass lie in an area of the group's own. The first group's rows are history to the second; the
 *              KV store spills them before it fills them again. `configure` moves attention to the other group's queries.
 */
import type { IssueUnit } from '../isa/table.ts';
import { spilledChannels } from './channelsSpilled.ts';

/** Who gives and who takes. */
export const channels = {
  weightReady: { from: 'weightBuffer', to: 'matmul' },
  weightFree: { from: 'matmul', to: 'weightBuffer' },
  sumsReady: { from: 'matmul', to: 'vector' },
  matmulGo: { from: 'vector', to: 'matmul' },
  dmaDone: { from: 'dma', to: 'vector' },
  coefFree: { from: 'vector', to: 'dma' },
  xFree: { from: 'vector', to: 'frontEnd' },
  rowsReady: { from: 'vector', to: 'kvStore' },
  rowsKept: { from: 'kvStore', to: 'attention' },
  stageFree: { from: 'attention', to: 'kvStore' },
  attended: { from: 'attention', to: 'vector' },
  logitsReady: { from: 'vector', to: 'sampler' },
  logitsFree: { from: 'sampler', to: 'vector' },
  boundsFree: { from: 'sampler', to: 'dma' },
  floatDone: { from: 'vector', to: 'weightBuffer' },
  inputsReady: { from: 'dma', to: 'matmul' },
  sumsDone: { from: 'matmul', to: 'dma' },
  productBegun: { from: 'dma', to: 'weightBuffer' },
} as const satisfies Record<string, { from: IssueUnit; to: IssueUnit }>;

/** Those of both kinds of program. */
export const everyChannel = { ...spilledChannels, ...channels };

export type Channel = keyof typeof everyChannel;
