import { LutraError } from '../../../src/base/diagnostics.ts';
import { type HardwareModel, loadHardwareModel } from '../../../src/hw/index.ts';
import { hardwareText, modelNames } from '../../hw/models.ts';

/** A reproducible stream of random choices (xorshift over 32 bits, seeded through a mixer). */
export class Random {
  private state: number;

  constructor(seed: number) {
    let x = (seed + 0x9e3779b9) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    this.state = x ^ (x >>> 15) || 1;
  }

  /** 32 bits. */
  bits(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor((this.bits() / 2 ** 32) * (high - low + 1));
  }

  /** As `integer`, small numbers more often. */
  small(low: number, high: number): number {
    return Math.min(this.integer(low, high), this.integer(low, high));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)] as T;
  }

  chance(probability: number): boolean {
    return this.bits() / 2 ** 32 < probability;
  }
}

type Change = readonly [path: string, choose: (random: Random) => number | string];

const range = (path: string, low: number, high: number): Change => [path, (random) => random.integer(low, high)];
const power = (path: string, low: number, high: number): Change => [path, (random) => 2 ** random.integer(low, high)];
const one = (path: string, ...choices: (number | string)[]): Change => [path, (random) => random.pick(choices)];

/** What a random machine may differ in; a group changes together, because rules relate its fields. */
const changes: readonly (readonly Change[])[] = [
  ['dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'].map((unit) =>
    range(`${unit}.queueDepth`, 1, 4),
  ),
  ['vector', 'sampler', 'matmul'].map((unit) => range(`${unit}.queueDepth`, 1, 2)),
  ['add', 'multiply', 'convert', 'reciprocal', 'rsqrt', 'exp'].map((name) => range(`vector.latency.${name}`, 1, 4)),
  [one('memory.kind', 'dram', 'fixed', 'ideal')],
  [one('memory.kind', 'fixed', 'ideal'), range('memory.ports', 1, 4), power('memory.portBits', 5, 8)],
  [range('memory.burstBeats', 1, 16)],
  [range('memory.outstandingBursts', 1, 4)],
  [range('memory.latencyCycles', 0, 30)],
  [power('frontEnd.cacheLines', 0, 5), power('frontEnd.lineInstructions', 0, 2)],
  [range('frontEnd.cyclesPerInstruction', 1, 4)],
  [range('frontEnd.branchTakenCycles', 0, 3), range('frontEnd.multiplyCycles', 0, 3)],
  [one('weightBuffer.columnsPerBank', 1, 2)],
  [
    range('matmul.group', 1, 4),
    range('matmul.tables', 1, 5),
    one('matmul.tableForm', 'select', 'half', 'full'),
    power('matmul.buildEntriesPerCycle', 0, 2),
  ],
  [range('matmul.columns', 1, 6), ['matmul.accumulatorElements', () => 960]],
  [
    power('vector.lanes', 0, 3),
    power('attention.lanes', 0, 3),
    one('vector.activationElements', 4096),
    one('vector.activationBanks', 1, 2),
  ],
  [one('vector.format', 'float32', 'float16', 'bfloat16')],
  [one('kvStore.format', 'float32', 'float16', 'bfloat16'), one('kvStore.bytes', 8192)],
  [range('sampler.candidates', 1, 6)],
  [one('sampler.shortlist', 1, 3, 16, 64)],
  [range('vector.maxRows', 1, 4), range('matmul.maxRows', 2, 8), range('attention.maxRows', 1, 4)],
];

/**
 * A model of `hw-models/` with random fields changed, as `--set` would; two of five seeds leave it as it is.
 * Changes that a rule of the schema refuses are left out.
 */
export function randomHardware(seed: number): HardwareModel {
  const random = new Random(seed ^ 0x5eed);
  const name = modelNames[seed % modelNames.length] as string;
  const load = (overrides: readonly string[]) =>
    loadHardwareModel(hardwareText(name), `hw-models/${name}.json`, overrides);
  let overrides: string[] = [];
  const count = random.chance(0.4) ? 0 : random.integer(1, 8);
  for (let change = 0; change < count; change++) {
    const more = random.pick(changes).map(([path, choose]) => `${path}=${choose(random)}`);
    try {
      load([...overrides, ...more]);
      overrides = [...overrides, ...more];
    } catch (error) {
      if (!(error instanceof LutraError)) throw error;
    }
  }
  return load(overrides);
}
