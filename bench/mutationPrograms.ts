/** What the mutation campaign runs: random programs, and one of the corners that random numbers do not reach. */
import { type HardwareModel, loadHardwareModel } from '../src/hw/index.ts';
import { hardwareText } from '../test/hw/models.ts';
import { randomProgram } from '../test/machine/randomProgram.ts';
import { cornerProgram } from './mutationCorners.ts';

export interface CampaignProgram {
  readonly name: string;
  /** Assembly. */
  readonly source: string;
  readonly commandWords: readonly number[];
  /** Seed of a disturbed memory. */
  readonly disturbance?: number;
}

export interface CampaignMachine {
  readonly name: string;
  readonly hw: HardwareModel;
  readonly programs: readonly CampaignProgram[];
}

/** Long enough for a carry into the second part of a counter, 16 bits up. */
const waitProgram = `
    li r1, 23000
wait:
    loop r1, wait
    halt
`;

/** A small machine with two of everything. */
const pairs = [
  'memory.ports=2',
  'memory.portBits=128',
  'memory.burstBeats=8',
  'memory.outstandingBursts=2',
  'memory.latencyCycles=5',
  'frontEnd.cacheLines=2',
  'frontEnd.lineInstructions=2',
  'frontEnd.cyclesPerInstruction=2',
  'weightBuffer.words=1024',
  'matmul.tables=2',
  'matmul.columns=2',
  'matmul.tableForm=half',
  'vector.lanes=2',
  'vector.partialSums=4',
  'vector.latency.add=2',
  'vector.latency.multiply=2',
  'vector.maxRows=2',
  'vector.format=float16',
  'vector.activationElements=4096',
  'vector.coefficientElements=2048',
  'attention.lanes=2',
  'attention.partialSums=2',
  'attention.maxRows=2',
  'kvStore.bytes=8192',
  'kvStore.format=bfloat16',
  'sampler.candidates=3',
  'sampler.shortlist=3',
];

function machine(name: string, model: string, overrides: readonly string[], seeds: readonly number[]): CampaignMachine {
  const hw = loadHardwareModel(hardwareText(model), `hw-models/${model}.json`, overrides);
  const random = seeds.map((seed): CampaignProgram => {
    const { source, commandWords } = randomProgram(seed, hw);
    return { name: `random ${seed}`, source, commandWords, ...(seed % 3 === 0 ? { disturbance: seed } : {}) };
  });
  const corners = { name: 'corners', source: cornerProgram(), commandWords: [] };
  const wait = { name: 'wait', source: waitProgram, commandWords: [] };
  return { name, hw, programs: model === 'odd' ? [...random, corners, wait] : [...random, corners] };
}

/** The machines in the order in which a mutation meets them. */
export function campaignMachines(): CampaignMachine[] {
  return [machine('pairs', 'tiny', pairs, [1, 2, 3, 5, 7, 10]), machine('odd', 'odd', [], [1, 2, 3, 5, 8, 9, 10, 12])];
}
