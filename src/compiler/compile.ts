/**
 * The compiler: a model and a machine in, a program image out. The passes, each plain data in and out:
 * lower → tile → place → memory map → emit → schedule → quantise and pack → verify, with checks in between.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, derive } from '../hw/derive.ts';
import { hardwareDigest } from '../hw/digest.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { isaDigest } from '../isa/isaDigest.ts';
import { bytesPerInstruction } from '../isa/table.ts';
import { verifyProgram } from '../isa/verify.ts';
import type { ModelGraph } from '../model/graph.ts';
import { type PackKernels, plainPackKernels, wordLayout } from '../numerics/pack.ts';
import { checkCodeSize, checkMemoryMap, checkPlacement, checkTiling } from './checks.ts';
import { emit } from './emit.ts';
import { emitSpilled } from './emitSpilled.ts';
import type { AttentionOrder } from './emitSpilledAttention.ts';
import { smallestEpsilon } from './headBounds.ts';
import { type LoweredModel, lower, operationNames } from './lower.ts';
import { codeReserve, type Formats, type MemoryMap, mapMemory } from './memoryMap.ts';
import { chooseFormats, packJobs } from './pack.ts';
import { type PackJob, type PlannedProgram, packInMemory } from './packing.ts';
import { type OnChip, place, type TiledModel } from './place.ts';
import { placeSpilled, type SpilledChip } from './placeSpilled.ts';
import { makePlan } from './plan.ts';
import { schedule } from './schedule.ts';
import { roundDown, roundUp, tile } from './tile.ts';

export interface CompileOptions {
  /** `none`: segments without contents, for timing only; tensors are not read. Default `pack`. */
  readonly weights?: 'pack' | 'none';
  /** Bits of a head weight, 1 to 12. Default 10: a token rarely differs from the full-precision head’s. */
  readonly headBits?: number;
  /**
   * `two-pass`: a pass over the head with few bits per weight selects the rows that are then scored with `headBits`; the
   * greedy token is the same. Default `exact`: one pass.
   */
  readonly head?: 'exact' | 'two-pass';
  /** Bits of a weight in the first pass of a two-pass head. Default `defaultCoarseBits`. */
  readonly headCoarseBits?: number;
  /** Rows of a prefill pass, or of each of its groups. Default: as many as fit. */
  readonly rowsPerPass?: number;
  /** Groups of rows that a prefill pass takes through the layers in turns, 1 or 2. Default: 2 where they fit. */
  readonly rowGroups?: number;
  /** False: weights are not loaded while float work runs, to show what that hides. Default true. */
  readonly fuse?: boolean;
  /**
   * `spilled`: operation by operation, the activations of all rows of a prompt in memory between them, so that weights
   * are loaded once for all rows. Default `on-chip`: a few rows at a time through all layers.
   */
  readonly activations?: 'on-chip' | 'spilled';
  /** With spilled activations: which block of queries comes first, and whether masked work is done. Default `reversed`. */
  readonly attentionOrder?: AttentionOrder;
  /** Most columns of a tile, to see what rebuilding the tables for every tile costs. Default: as wide as pays. */
  readonly tileColumns?: number;
  /**
   * Positions before the prompt, whose keys and values are taken to be there already: for the time of a late step without
   * that of what came before. With activations on the chip only where `weights` is `none`. Default 0.
   */
  readonly firstPosition?: number;
  /** Longest context. Default and maximum: the model's. */
  readonly maxPositions?: number;
  /** The loops over all weights, to be as fast as can be; default: their definitions. */
  readonly kernels?: PackKernels;
  /** Told what is being packed. */
  readonly onTileProgress?: (text: string) => void;
}

/** With so many the small model scores 12 of its 256 groups of rows for a token (docs/compiler.md, two-pass head). */
export const defaultCoarseBits = 4;

/** How the model was laid out, before any code. */
export interface Layout {
  readonly model: TiledModel;
  readonly chip: OnChip;
  readonly map: MemoryMap;
  /** The same as `chip` where activations are spilled. */
  readonly spilled?: SpilledChip;
}

/**
 * Compiles a model. Throws `LutraError` CMP0xx where the model does not fit the machine (what is needed, what there is,
 * what to change), and whatever reading its tensors throws.
 */
export function compile(graph: ModelGraph, hw: HardwareModel, options: CompileOptions = {}): ProgramImage {
  return packInMemory(planProgram(graph, hw, options), options.onTileProgress);
}

/** All passes but packing, which is left as jobs; throws what `compile` throws, but for reading tensors. */
export function planProgram(graph: ModelGraph, hw: HardwareModel, options: CompileOptions = {}): PlannedProgram {
  const { weights = 'pack', fuse = true } = options;
  const derived = derive(hw);
  const formats = chooseFormats(graph);
  const { attentionOrder } = options;
  if (attentionOrder !== undefined && options.activations !== 'spilled') {
    throw new LutraError({
      code: 'CMP007',
      message: 'the order of attention can only be chosen where activations are spilled',
      hint: '--activations spilled; otherwise rows come in the order of the prompt and no masked work is done',
    });
  }
  const { model, chip, map, spilled } = layOut(graph, hw, derived, formats, options);
  const { firstPosition = 0 } = options;
  if (firstPosition !== 0)
    refuseFirstPosition(firstPosition, spilled || weights === 'none' ? model.maxPositions - 1 : 0);
  const { code, labels } = schedule(
    spilled
      ? emitSpilled(
          { model, chip: spilled, map, hw, derived, fuse },
          { order: attentionOrder ?? 'reversed', firstPosition },
        )
      : emit(model, chip, map, hw, derived, { fuse, firstPosition }),
  );
  const codeBytes = code.length * bytesPerInstruction;
  if (spilled && codeBytes > codeReserve) {
    throw new LutraError({
      code: 'CMP026',
      message: `with spilled activations the program has ${codeBytes} bytes of code, more than ${codeReserve}: a layer is ${spilled.spilled.groups.length} groups of weights, each with code of its own`,
      hint: 'raise weightBuffer.words and matmul.accumulatorElements, or keep activations on the chip',
    });
  }
  const image: ProgramImage = {
    code,
    codeAddress: map.code,
    labels,
    segments: map.regions,
    memoryBytes: map.code + codeBytes,
    metadata: {
      hardwareName: hw.name,
      hardwareDigest: hardwareDigest(hw),
      isaDigest,
      modelName: graph.name,
      modelDigest: graph.digest,
      maxPositions: model.maxPositions - firstPosition,
      vocabularySize: graph.vocabularySize,
      bosTokenId: graph.bosTokenId,
      eosTokenIds: graph.eosTokenIds,
      operations: operationNames,
      plan: makePlan(model, chip, map, derived, {
        instructions: code.length,
        fuse,
        spilled: spilled?.spilled,
      }),
    },
  };
  checkCodeSize(graph.name, codeBytes);
  verifyProgram(code, hw, map.regions, { labels });
  return { image, jobs: weights === 'pack' ? jobsOf(graph, { model, chip, map }, hw, derived, options) : [] };
}

function jobsOf(
  graph: ModelGraph,
  { model, chip, map }: Layout,
  hw: HardwareModel,
  derived: Derived,
  { kernels = plainPackKernels }: CompileOptions,
): PackJob[] {
  return packJobs({ graph, model, chip, map, layout: wordLayout(hw, derived), arithmetic: hw.vector, kernels });
}

function refuseFirstPosition(position: number, limit: number): void {
  if (Number.isInteger(position) && position >= 0 && position <= limit) return;
  throw new LutraError({
    code: 'CMP009',
    message: `a prompt cannot begin at position ${position}`,
    hint: limit === 0 ? 'only in a program without weights, or with spilled activations' : `from 0 to ${limit}`,
  });
}

/** The passes up to the memory map, for the largest number of rows per pass that fits (or the one asked for). */
export function layOut(
  graph: ModelGraph,
  hw: HardwareModel,
  derived: Derived,
  formats: Formats,
  options: CompileOptions = {},
): Layout {
  const maxPositions = options.maxPositions ?? graph.maxPositions;
  if (!Number.isInteger(maxPositions) || maxPositions < 1 || maxPositions > graph.maxPositions) {
    throw new LutraError({
      code: 'CMP005',
      message: `a context of ${maxPositions} positions cannot be built: the model has ${graph.maxPositions}`,
      hint: `--max-positions takes an integer from 1 to ${graph.maxPositions}`,
    });
  }
  const lowered = lower(graph, {
    headBits: options.headBits ?? 10,
    coarseBits: coarseBitsOf(graph, hw, options),
    lanes: hw.vector.lanes,
    columns: hw.matmul.columns,
    attentionLanes: hw.attention.lanes,
  });
  const { tileColumns } = options;
  if (tileColumns !== undefined && (!Number.isInteger(tileColumns) || tileColumns < 1)) {
    throw new LutraError({
      code: 'CMP008',
      message: `tiles of ${tileColumns} columns cannot be made`,
      hint: '--tile-columns takes an integer from 1 on',
    });
  }
  const attempt = (rows: RowChoice) =>
    options.activations === 'spilled'
      ? layOutSpilled(
          lowered,
          { ...rows, rowGroups: 1 },
          maxPositions,
          options.fuse ?? true,
          hw,
          derived,
          formats,
          tileColumns,
        )
      : layOutRows(lowered, rows, maxPositions, hw, derived, formats, tileColumns);
  const { rowGroups } = options;
  if (rowGroups !== undefined && rowGroups !== 1 && rowGroups !== 2) {
    throw new LutraError({
      code: 'CMP006',
      message: `a pass of ${rowGroups} groups of rows cannot be built`,
      hint: '--row-groups takes 1 or 2',
    });
  }
  const choices = (most: number): RowChoice[] => {
    const all = Array.from({ length: most }, (_, index) => most - index);
    const one = all.map((rowsPerPass) => ({ rowsPerPass, rowGroups: 1 }));
    // Two groups hide attention, but with fewer rows each weights come more often.
    const two = all.map((rowsPerPass) => ({ rowsPerPass, rowGroups: 2 }));
    if (rowGroups !== undefined) return rowGroups === 2 ? two : one;
    const worth =
      options.fuse === false || options.activations === 'spilled' || maxPositions < 2
        ? []
        : two.filter((choice) => 2 * choice.rowsPerPass >= most);
    return [...worth, ...one];
  };
  if (options.rowsPerPass !== undefined) {
    if (!Number.isInteger(options.rowsPerPass) || options.rowsPerPass < 1) {
      throw new LutraError({
        code: 'CMP004',
        message: `a pass of ${options.rowsPerPass} rows cannot be run`,
        hint: '--rows-per-pass takes an integer from 1 on',
      });
    }
    const { rowsPerPass } = options;
    return firstThatFits(
      choices(rowsPerPass).filter((choice) => choice.rowsPerPass === rowsPerPass),
      attempt,
    );
  }
  const most = Math.min(hw.matmul.maxRows, hw.vector.maxRows, hw.attention.maxRows, maxPositions);
  return firstThatFits(choices(most), attempt);
}

interface RowChoice {
  readonly rowsPerPass: number;
  readonly rowGroups: number;
}

/** Bits of the coarse pass, undefined for a head of one pass. Throws CMP008 where a two-pass head cannot be. */
function coarseBitsOf(graph: ModelGraph, hw: HardwareModel, options: CompileOptions): number | undefined {
  const refuse = (message: string, hint: string) => {
    throw new LutraError({ code: 'CMP008', message, hint });
  };
  if (options.head !== 'two-pass') {
    if (options.headCoarseBits !== undefined) refuse('a head of one pass has no coarse bits', 'add --head two-pass');
    return undefined;
  }
  if (hw.sampler.shortlist === undefined) {
    refuse(`the machine ${hw.name} has no shortlist, which a two-pass head needs`, 'add sampler.shortlist');
  }
  if (options.activations === 'spilled') {
    refuse('a two-pass head needs activations on the chip', 'leave out --activations spilled, or --head two-pass');
  }
  if (!(graph.normEpsilon >= smallestEpsilon)) {
    refuse(
      `the bounds of a two-pass head hold for an epsilon of the norms from ${smallestEpsilon} on; the model's is ${graph.normEpsilon}`,
      'leave out --head two-pass',
    );
  }
  return options.headCoarseBits ?? defaultCoarseBits;
}

/** The result of the first choice that fits; if none does, throws what is wrong with the last. */
function firstThatFits<Choice, Result>(choices: readonly Choice[], attempt: (choice: Choice) => Result): Result {
  for (const choice of choices.slice(0, -1)) {
    try {
      return attempt(choice);
    } catch (error) {
      if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
    }
  }
  return attempt(choices.at(-1) as Choice);
}

/** Slots of the weight buffer that are tried: fewer make larger tiles possible, more let weights run further ahead. */
const slotCounts = [3, 2] as const;
/** With spilled activations, tiles are joined to groups that end at whole beats; smaller ones more often do. */
const spilledSlotCounts = [4, 3, 2] as const;
/** Each slot is a count to prime and a preloaded tile in the code. */
const mostSlots = 16;

function layOutRows(
  lowered: LoweredModel,
  rows: RowChoice,
  maxPositions: number,
  hw: HardwareModel,
  derived: Derived,
  formats: Formats,
  tileColumns: number | undefined,
): Layout {
  const model = tileModel(lowered, rows, maxPositions, hw, derived, tileColumns, slotCounts);
  checkTiling(model);
  const chip = place(model, hw, derived);
  checkPlacement(model, chip);
  const map = mapMemory(model, chip, formats, hw, derived);
  checkMemoryMap(map);
  return { model, chip, map };
}

function layOutSpilled(
  lowered: LoweredModel,
  rows: RowChoice,
  maxPositions: number,
  fuse: boolean,
  hw: HardwareModel,
  derived: Derived,
  formats: Formats,
  tileColumns: number | undefined,
): Layout {
  const model = tileModel(lowered, rows, maxPositions, hw, derived, tileColumns, spilledSlotCounts);
  checkTiling(model);
  const chip = placeSpilled(model, fuse, hw, derived);
  const map = mapMemory(model, chip, formats, hw, derived, chip.spilled.memory.bytes);
  checkMemoryMap(map);
  return { model, chip, map, spilled: chip };
}

function tileModel(
  lowered: LoweredModel,
  rows: RowChoice,
  maxPositions: number,
  hw: HardwareModel,
  derived: Derived,
  tileColumns: number | undefined,
  counts: readonly number[],
): TiledModel {
  const { rowsPerPass } = rows;
  const sums = Math.floor(hw.matmul.accumulatorElements / 2);
  const attempt = (slots: number): TiledModel => {
    // A load writes whole rows of words, so every slot begins one.
    const row = Math.max(derived.ternary.sliceWordsPerBeat, derived.binary.sliceWordsPerBeat);
    const words = roundDown(hw.weightBuffer.words / slots, row);
    const limits = { rowsPerPass, words, sums, ...(tileColumns === undefined ? {} : { columns: tileColumns }) };
    const layer = lowered.layer.map((operation) => tile(operation, limits, hw, derived));
    const head = tile(lowered.head, limits, hw, derived);
    const coarse = lowered.coarse && tile(lowered.coarse, limits, hw, derived);
    let largest = 0;
    for (const { tiles } of [...layer, head, ...(coarse ? [coarse] : [])]) {
      for (const { words: own } of tiles) largest = Math.max(largest, own);
    }
    const count = Math.min(mostSlots, Math.floor(hw.weightBuffer.words / roundUp(largest, row)));
    const slotWords = roundDown(hw.weightBuffer.words / count, row);
    const { coarse: _coarse, ...rest } = lowered;
    const passes = { head, ...(coarse && { coarse }) };
    return { ...rest, ...passes, ...rows, maxPositions, layer, slots: count, slotWords };
  };
  return firstThatFits(counts, attempt);
}
