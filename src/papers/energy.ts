/**
 * Where the two fitted coefficients of `energy` come from: two powers that were measured on one board with one design.
 *
 * bitnet-kv260 (github MerlijnW70/bitnet-kv260, docs/measurements.md) on a KV260: 3.81 W idle, 6.21 W generating. Two
 * measurements fix two factors: the idle power what the board draws beside the clock, the other what all work of the
 * fabric costs against the published figures of other silicon.
 */

import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { type Activity, activityOf, joulesOf, totalJoules } from '../report/energy.ts';
import { type WorkKind, workKinds } from '../trace/work.ts';
import { measure, measuredSteps } from './ablations/measure.ts';
import type { PaperInputs } from './inputs.ts';
import type { PaperFigure } from './paperMachine.ts';
import type { PaperRow } from './table.ts';
import { tellmeOptions } from './tellmeV2.ts';

type Coefficients = NonNullable<HardwareModel['energy']>;

/** A measured design: what it does in a token, and the power it draws. */
interface MeasuredDesign {
  readonly name: string;
  readonly source: string;
  readonly activity: Activity;
  readonly watts: number;
}

const clockHz = 250e6;
const noWork = { lookups: 0, tableEntries: 0, floatAdds: 0, floatMultiplies: 0, floatFunctions: 0, conversions: 0 };

/** Weights of BitNet b1.58 2B4T and of its head, five ternary digits in a byte. */
const bitnetBytes = 417_546_240 + 65_667_072;

/**
 * A token of bitnet-kv260. Each byte of weights brings five digits, for which an engine reads as many int8 activations
 * from its ten UltraRAMs (80 bytes for a beat of 80 digits) and adds or subtracts them. Float work is the processor’s; it
 * is not known apart, so `fabricFactor` bears it too.
 */
const bitnetKv260: MeasuredDesign & { readonly idleWatts: number } = {
  name: 'bitnet-kv260',
  source: 'github MerlijnW70/bitnet-kv260, docs/measurements.md',
  activity: {
    ...noWork,
    seconds: 59.6e-3,
    cycles: 59.6e-3 * clockHz,
    flipFlops: 53_342,
    memoryBytes: bitnetBytes,
    ultraRamBytes: 5 * bitnetBytes,
    blockRamBytes: 0,
    integerAdds: 5 * bitnetBytes,
  },
  watts: 6.21,
  // With the design loaded and clocked, and nothing to do.
  idleWatts: 3.81,
};

const shortContext = 64;
/** Bytes of the head of BitNet 0.73B in int8, which TeLLMe’s processor reads. */
const tellmeHeadBytes = 49_155_072;

/**
 * A token of TeLLMe v2 (arXiv 2510.15926) at 64 positions, 25 tokens per second: what its machine, simulated, does in the
 * layers, the bytes of its head, and the flip-flops that the paper gives.
 */
function tellmeV2(inputs: PaperInputs): MeasuredDesign {
  const name = 'tellme-v2-kv260';
  const hw = inputs.hardware(name);
  const options = { ...tellmeOptions, firstPosition: shortContext - 2 };
  const { work } = measure(inputs.graph('bitnet-0.73b'), hw, 1, options);
  const layers = Object.entries(work.decode).filter(([operation]) => operation !== 'head');
  const counts = Object.fromEntries(
    workKinds.map((kind) => [kind, layers.reduce((sum, [, { counts: each }]) => sum + each[kind], 0) / measuredSteps]),
  ) as Record<WorkKind, number>;
  const tokensPerSecond = 25;
  const bytes = counts.memoryBytes + tellmeHeadBytes;
  const activity = activityOf(hw, derive(hw), counts, hw.clockHz / tokensPerSecond, bytes);
  return { name, source: 'arXiv 2510.15926', activity: { ...activity, flipFlops: 137_000 }, watts: 4.8 };
}

/** Watts of a design by coefficients. */
function wattsOf(energy: Coefficients, { activity }: MeasuredDesign): number {
  return totalJoules(joulesOf(energy, activity)) / activity.seconds;
}

/** The same with nothing but the board and the clock. */
function idleWattsOf(energy: Coefficients, { activity }: MeasuredDesign): number {
  const { board, clock } = joulesOf(energy, activity);
  return (board + clock) / activity.seconds;
}

/** The two coefficients with which bitnet-kv260 draws what was measured; the others are as in `energy`. */
export function fittedCoefficients(energy: Coefficients): Pick<Coefficients, 'boardWatts' | 'fabricFactor'> {
  const { activity, watts, idleWatts } = bitnetKv260;
  const { clock, memory, fabric } = joulesOf({ ...energy, fabricFactor: 1 }, activity);
  return {
    boardWatts: idleWatts - clock / activity.seconds,
    fabricFactor: ((watts - idleWatts) * activity.seconds - memory) / fabric,
  };
}

/** The measured powers of designs on this board beside the estimates; `energy` is that of a hardware model of it. */
export function energyRows(energy: Coefficients, inputs: PaperInputs): PaperRow[] {
  const tellme = tellmeV2(inputs);
  const row = (
    { name }: MeasuredDesign,
    figure: string,
    published: number,
    simulated: number,
    kind: PaperFigure['kind'],
    tolerance: number,
  ): PaperRow => ({
    machine: name,
    figure,
    context: null,
    published,
    simulated,
    unit: 'W',
    ratio: simulated / published,
    tolerance,
    kind,
  });
  const idle = idleWattsOf(energy, bitnetKv260);
  return [
    row(bitnetKv260, 'power, idle', bitnetKv260.idleWatts, idle, 'fitted', 0.01),
    row(bitnetKv260, 'power, generating', bitnetKv260.watts, wattsOf(energy, bitnetKv260), 'fitted', 0.01),
    row(tellme, 'power, generating', tellme.watts, wattsOf(energy, tellme), 'predicted', 0.2),
  ];
}

/** Where the measured powers come from, a line for each design. */
export const energySources: readonly string[] = [
  `${bitnetKv260.name}: ${bitnetKv260.source}`,
  'tellme-v2-kv260: arXiv 2510.15926',
];
