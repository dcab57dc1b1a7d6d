/** Runs programs on the machine and on its mutated Verilog until they differ. */
import { LutraError } from '../src/base/diagnostics.ts';
import { buildVerilog, type Difference, disturbance, Lockstep, type LockstepJob } from '../src/cosim/index.ts';
import type { HardwareModel } from '../src/hw/index.ts';
import { assemble, programImage } from '../src/isa/index.ts';
import { renderAll, type Templates } from '../src/rtl/render.ts';
import { present, selector, withMutants } from './mutants.ts';
import type { Mutation } from './mutationList.ts';
import type { CampaignMachine, CampaignProgram } from './mutationPrograms.ts';

/** Where a mutation was caught. */
export interface Catch {
  readonly machine: string;
  readonly program: string;
  readonly cycle: number;
  readonly where: string;
  readonly what: string;
}

/** A machine with all mutations built in. */
export interface MutantMachine {
  readonly machine: CampaignMachine;
  /** By number of the mutation, from 1; whether this machine has it. */
  readonly has: (number: number) => boolean;
  /** Runs one program with one mutation, 0 for none; the first difference, or undefined. */
  readonly run: (number: number, program: CampaignProgram) => Catch | undefined;
}

export async function buildMutants(
  machine: CampaignMachine,
  mutations: readonly Mutation[],
  templates: Templates,
  cacheDirectory: string,
): Promise<MutantMachine> {
  const { hw } = machine;
  const mutated = withMutants(templates, mutations);
  const verilog = renderAll(hw, mutated).map(({ text }) => text);
  const build = { hw, templates: mutated, cacheDirectory, engine: 'verilator', waveform: false } as const;
  const module = await buildVerilog(build);
  const jobs = new Map(machine.programs.map((program) => [program, jobOf(program, hw)]));
  return {
    machine,
    has: (number) => present(number, verilog),
    run: (number, program) => {
      const simulation = module.instantiate();
      simulation.port(selector).set(number);
      const job = jobs.get(program) ?? jobOf(program, hw);
      const found = difference(() => {
        const lockstep = new Lockstep(simulation, job);
        while (!lockstep.advance());
        return lockstep.result().difference;
      }, number);
      return found && { machine: machine.name, program: program.name, ...pick(found) };
    },
  };
}

function pick({ cycle, where, what }: Difference): Pick<Catch, 'cycle' | 'where' | 'what'> {
  return { cycle, where, what };
}

function jobOf({ name, source, commandWords, disturbance: seed }: CampaignProgram, hw: HardwareModel): LockstepJob {
  const image = programImage(assemble(source, `${name}.lasm`, { hw }), hw);
  const command = new Uint8Array(Uint32Array.from(commandWords).buffer);
  return { image, hw, command, ...(seed === undefined ? {} : { disturbance: disturbance(seed) }) };
}

/** A mutated machine may also stop answering at all. */
function difference(run: () => Difference | undefined, number: number): Difference | undefined {
  try {
    return run();
  } catch (error) {
    if (number === 0 || !(error instanceof LutraError)) throw error;
    return { cycle: 0, where: 'control', what: error.message, machine: 'goes on', verilog: 'does not' };
  }
}

/** Meets the machines in turn, each program until the first difference; undefined: it survives. */
export function hunt(number: number, machines: readonly MutantMachine[]): Catch | undefined {
  for (const { machine, has, run } of machines) {
    if (!has(number)) continue;
    for (const program of machine.programs) {
      const caught = run(number, program);
      if (caught) return caught;
    }
  }
  return undefined;
}
