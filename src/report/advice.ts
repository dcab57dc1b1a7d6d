/**
 * Advice: what a run would have gained on a changed machine. Here are the changes that are tried and the form of the
 * answer; the times come from who can compile and run (src/cli/advise.ts).
 */
import { LutraError } from '../base/diagnostics.ts';
import { derive, estimateResources, type HardwareModel, loadHardwareModel, type Resources } from '../hw/index.ts';
import { resourceNames } from '../hw/resources.ts';
import { table } from './format.ts';

/** A change that can be built, or one that shows how much a resource can be worth at most. */
export type ChangeKind = 'step' | 'bound';

/** One change of a machine, and what it is worth. */
export interface AdviceEntry {
  /** In words: `twice the columns of the matmul engine`. */
  readonly change: string;
  /** As for `--set`: fields of the hardware model with their new values. */
  readonly set: readonly string[];
  /** Run time before ÷ run time after, minus 1: 0.14 is 14 % more tokens in the same time. */
  readonly gain: number;
  /** Whether the estimate of resources stays within the board; null for bounds, which nobody builds. */
  readonly fits: boolean | null;
  readonly kind: ChangeKind;
}

export interface Advice {
  /** Best first. */
  readonly entries: readonly AdviceEntry[];
  /** Cycles of the unchanged machine by the method that timed the changed ones, and of the run itself. */
  readonly cycles: number;
  readonly runCycles: number;
  /** How the times were found, as a sentence. */
  readonly method: string;
  /** Changes that were not timed, and why. */
  readonly leftOut: readonly { readonly change: string; readonly reason: string }[];
}

/** A change that may be made in several ways; the first that works counts, one that fits the board before others. */
export interface Change {
  readonly change: string;
  readonly kind: ChangeKind;
  readonly ways: readonly (readonly string[])[];
  /** Only worth a try where this change gained something: the bound of the same resource. */
  readonly onlyIf?: string;
}

/** What a run says about which changes can matter at all. */
export interface RunTraits {
  /** Positions of prompt and new tokens. */
  readonly positions: number;
  /** Bytes by which the KV store is too small for all of them; undefined where nobody knows. */
  readonly kvBytesMissing?: number;
  /** Shares of the run in which the front end waited for instructions, and the engine built tables. */
  readonly fetchShare: number;
  readonly tableBuildShare: number;
}

/** A machine with a change made, which its rules allow. */
export interface ChangedMachine {
  readonly set: readonly string[];
  readonly hw: HardwareModel;
  readonly fits: boolean;
}

const deepQueues = 'queues as deep as can be';

/**
 * What may be done to any machine and can matter to such a run, the most telling first. Whether the machine can have it
 * is for its rules to say.
 */
export function changesOf(hw: HardwareModel, traits: RunTraits): Change[] {
  const { memory, weightBuffer, matmul, vector, attention, kvStore } = hw;
  const half = `weightBuffer.words=${Math.floor(weightBuffer.words / 2)}`;
  const boardPorts = hw.board.memoryPorts?.count ?? 0;
  const anyPorts = hw.board.memoryPorts === undefined ? [] : ['board.memoryPorts.count=64'];
  const more = kvBytesMissing(hw, traits);
  const room = kvBytesOnBoard(hw, more);
  return [
    bound('memory that answers in one cycle, through the same ports', ['memory.kind=ideal']),
    step('one more memory port', [`memory.ports=${memory.ports + 1}`]),
    ...when(boardPorts > memory.ports + 1, () =>
      step(`all ${boardPorts} memory ports of the board`, [`memory.ports=${boardPorts}`]),
    ),
    step(
      'twice the columns of the matmul engine',
      [`matmul.columns=${2 * matmul.columns}`],
      [`matmul.columns=${2 * matmul.columns}`, half],
    ),
    step('twice the lanes of the vector unit', [`vector.lanes=${2 * vector.lanes}`]),
    step('twice the lanes of attention', [`attention.lanes=${2 * attention.lanes}`]),
    ...when(more > 0, () =>
      step('a KV store for all keys and values of the run', [`kvStore.bytes=${kvStore.bytes + more}`]),
    ),
    ...when(room > 0 && room < more, () =>
      step('the largest KV store that the board has room for', [`kvStore.bytes=${kvStore.bytes + room}`]),
    ),
    ...when(more > kvStore.bytes, () => step('a KV store of twice the size', [`kvStore.bytes=${2 * kvStore.bytes}`])),
    ...when(kvStore.format === 'float32', () => step('keys and values in float16', ['kvStore.format=float16'])),
    bound(
      deepQueues,
      queues(hw, () => 256),
    ),
    {
      ...step(
        'queues of twice the depth',
        queues(hw, (depth) => 2 * depth),
      ),
      onlyIf: deepQueues,
    },
    step('a weight buffer of twice the size', [`weightBuffer.words=${2 * weightBuffer.words}`]),
    step(
      'twice the tables of the matmul engine',
      [`matmul.tables=${2 * matmul.tables}`],
      [`matmul.tables=${2 * matmul.tables}`, half],
    ),
    bound('four times the columns of the matmul engine', [`matmul.columns=${4 * matmul.columns}`]),
    bound('four times the lanes of the vector unit', [`vector.lanes=${4 * vector.lanes}`]),
    bound('four times the lanes of attention', [`attention.lanes=${4 * attention.lanes}`]),
    bound('four times the memory ports, whatever the board has', [`memory.ports=${4 * memory.ports}`, ...anyPorts]),
    ...fasterDevice(hw).map((name) => step(`the faster DRAM ${name}`, [`memory.device=${name}`])),
    step('twice the bursts in flight per port', [`memory.outstandingBursts=${2 * memory.outstandingBursts}`]),
    step('bursts of twice the length', [`memory.burstBeats=${2 * memory.burstBeats}`]),
    step('memory ports of twice the width', [`memory.portBits=${2 * memory.portBits}`]),
    bound('no latency between ports and DRAM', ['memory.latencyCycles=0']),
    step('twice the rows of a pass', rows(hw, false), rows(hw, true)),
    step('an accumulator buffer of twice the size', [`matmul.accumulatorElements=${2 * matmul.accumulatorElements}`]),
    step('an activation buffer of twice the size', [`vector.activationElements=${2 * vector.activationElements}`]),
    ...when(vector.activationBanks === 1, () =>
      step('an activation buffer of two banks', ['vector.activationBanks=2']),
    ),
    step('twice the rows for each weight word that is read', [`matmul.rowsPerStep=${2 * (matmul.rowsPerStep ?? 1)}`]),
    ...when(traits.tableBuildShare >= noticeable, () =>
      step('tables built twice as fast', [`matmul.buildEntriesPerCycle=${2 * matmul.buildEntriesPerCycle}`]),
    ),
    ...when(traits.positions > attention.scoreDepth, () =>
      step('twice the positions in one attend instruction', [`attention.scoreDepth=${2 * attention.scoreDepth}`]),
    ),
    ...when(traits.fetchShare >= noticeable, () =>
      step('an instruction cache of twice the size', [`frontEnd.cacheLines=${2 * hw.frontEnd.cacheLines}`]),
    ),
  ];
}

const step = (change: string, ...ways: string[][]): Change => ({ change, kind: 'step', ways });
const bound = (change: string, ...ways: string[][]): Change => ({ change, kind: 'bound', ways });
const when = (holds: boolean, change: () => Change): Change[] => (holds ? [change()] : []);

/** In whole pages; as much again as there is where nobody knows. */
function kvBytesMissing({ kvStore }: HardwareModel, { kvBytesMissing = kvStore.bytes }: RunTraits): number {
  return 4096 * Math.ceil(kvBytesMissing / 4096);
}

/** By how many bytes, `most` at most, the KV store can grow on its board; in steps of about a block of UltraRAM. */
function kvBytesOnBoard(hw: HardwareModel, most: number): number {
  const block = 32_768;
  const grown = (blocks: number) => ({
    ...hw,
    kvStore: { ...hw.kvStore, bytes: hw.kvStore.bytes + Math.min(most, blocks * block) },
  });
  // A larger store never takes less.
  let fits = 0;
  let beyond = Math.ceil(most / block) + 1;
  while (beyond - fits > 1) {
    const middle = Math.floor((fits + beyond) / 2);
    if (fitsBoard(grown(middle), hw)) fits = middle;
    else beyond = middle;
  }
  return Math.min(most, fits * block);
}

const queueOwners = ['dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'] as const;

function queues(hw: HardwareModel, depth: (now: number) => number): string[] {
  return queueOwners.flatMap((unit) => {
    const now = hw[unit].queueDepth;
    const then = Math.min(256, depth(now));
    return then === now ? [] : [`${unit}.queueDepth=${then}`];
  });
}

/** More rows in a pass need room for them, or do not. */
function rows({ matmul, vector, attention }: HardwareModel, room: boolean): string[] {
  return [
    `matmul.maxRows=${2 * matmul.maxRows}`,
    `vector.maxRows=${2 * vector.maxRows}`,
    `attention.maxRows=${2 * attention.maxRows}`,
    `attention.stateElements=${2 * attention.stateElements}`,
    ...(room
      ? [
          `matmul.inputElements=${2 * matmul.inputElements}`,
          `matmul.accumulatorElements=${2 * matmul.accumulatorElements}`,
          `vector.activationElements=${2 * vector.activationElements}`,
        ]
      : []),
  ];
}

/** Speed grades of one organisation, slowest first. */
const grades = [
  ['ddr4-2133-x16', 'ddr4-2400-x16', 'ddr4-2666-x16'],
  ['hbm2-1800', 'hbm2-2000'],
] as const;

function fasterDevice({ memory }: HardwareModel): readonly string[] {
  for (const family of grades) {
    const at = (family as readonly string[]).indexOf(memory.device ?? '');
    if (memory.kind === 'dram' && at >= 0) return family.slice(at + 1, at + 2);
  }
  return [];
}

/** The ways of a change that the rules of a hardware model allow, those that fit the board first. */
export function allowedWays(hw: HardwareModel, { ways }: Change): ChangedMachine[] {
  const text = JSON.stringify(hw);
  const machines = ways.flatMap((set): ChangedMachine[] => {
    if (set.length === 0) return [];
    try {
      const changed = loadHardwareModel(text, 'hardware.json', set);
      return [{ set, hw: changed, fits: fitsBoard(changed, hw) }];
    } catch (error) {
      if (error instanceof LutraError) return [];
      throw error;
    }
  });
  return [...machines.filter(({ fits }) => fits), ...machines.filter(({ fits }) => !fits)];
}

/** Whether the estimate stays within the board, or, where it does not now, within what it is now. */
function fitsBoard(changed: HardwareModel, now: HardwareModel): boolean {
  const [total, before] = [changed, now].map((hw) => estimateResources(hw, derive(hw)).total) as [Resources, Resources];
  return resourceNames.every((name) => total[name] <= Math.max(now.board.resources[name], before[name]));
}

/** Gains below this are none: what sampling a run may miss. */
export const noticeable = 0.002;

/** `+14 %`, `−0.3 %`, `no change`. */
export function gainText(gain: number): string {
  if (Math.abs(gain) < noticeable) return 'no change';
  const value = Math.abs(gain * 100);
  return `${gain < 0 ? '−' : '+'}${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** The best step that fits the board, if any is worth a word. */
export function bestStep({ entries }: Advice): AdviceEntry | undefined {
  return entries.find(({ kind, fits, gain }) => kind === 'step' && fits === true && gain >= noticeable);
}

/** Steps and bounds that a person is shown at most; machines get them all. */
const mostShown = { step: 4, bound: 2 } as const;

/** The changes of a kind that gain something, best first. */
export function worthwhile({ entries }: Advice, kind: ChangeKind): readonly AdviceEntry[] {
  return entries.filter((entry) => entry.kind === kind && entry.gain >= noticeable).slice(0, mostShown[kind]);
}

/** Sentences and tables for a person: what gains, best first. */
export function renderAdvice(advice: Advice): { sentence: string; tables: string[]; notes: string[] } {
  const { entries, method, leftOut } = advice;
  const worth = entries.filter(({ gain }) => gain >= noticeable);
  const [steps, bounds] = [worthwhile(advice, 'step'), worthwhile(advice, 'bound')];
  const rows = [...steps, ...bounds].map(({ change, set, gain, fits }) => [
    gainText(gain),
    change,
    `${set.join(' ')}${fits === false ? '  (too large for the board)' : ''}`,
  ]);
  const lines = table(rows, 'left');
  const titled = (title: string, some: readonly string[]) => (some.length === 0 ? [] : [title, ...some]);
  const slower = entries.filter(({ gain }) => gain <= -noticeable);
  const counts = [
    [worth.length - rows.length, 'gain less'],
    [slower.length, 'make it slower'],
    [entries.length - worth.length - slower.length, 'change nothing'],
    [leftOut.length, 'could not be timed'],
  ] as const;
  const others = counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  return {
    sentence: adviceSentence(advice),
    tables: [
      ...titled('What a change of the machine gains (fields for --set)', lines.slice(0, steps.length)),
      ...titled('What a resource is worth at most', lines.slice(steps.length)),
    ],
    notes: [...(others.length === 0 ? [] : [`Of the other changes that were tried ${others.join(', ')}.`]), method],
  };
}

/** `The next best change: one more memory port, +14 %.` */
export function adviceSentence(advice: Advice): string {
  const best = bestStep(advice);
  if (best !== undefined) return `The next best change: ${best.change}, ${gainText(best.gain)}.`;
  const large = advice.entries.find(({ kind, gain }) => kind === 'step' && gain >= noticeable);
  if (large !== undefined) {
    return `No change that the board is estimated to hold would gain anything; the best that is too large for it: ${large.change}, ${gainText(large.gain)}.`;
  }
  return 'None of the changes that were tried would gain anything.';
}
