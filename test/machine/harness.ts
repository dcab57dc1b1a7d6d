import { readFileSync } from 'node:fs';
import { type HardwareModel, loadHardwareModel } from '../../src/hw/index.ts';
import { assemble, type Instruction, programImage } from '../../src/isa/index.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Kernels } from '../../src/machine/values/kernels.ts';
import type { InstructionEvent, TokenEvent } from '../../src/trace/events.ts';

/** A hardware model of `hw-models/`, with fields overridden as by `--set`. */
export function hardware(name: string, ...overrides: string[]): HardwareModel {
  const file = `hw-models/${name}.json`;
  return loadHardwareModel(readFileSync(file, 'utf8'), file, overrides);
}

export interface AssemblyRun {
  readonly machine: Machine;
  readonly instructions: readonly Instruction[];
  readonly labels: ReadonlyMap<string, number>;
  /** In the order in which they finished. */
  readonly events: readonly InstructionEvent[];
  readonly tokens: readonly TokenEvent[];
  /** The stamps of the n-th instruction of that name. */
  readonly stamps: (name: string, n?: number) => InstructionEvent;
}

export interface AssemblyOptions {
  readonly values?: boolean;
  readonly dense?: boolean;
  readonly cycleLimit?: number;
  readonly assumedGroups?: number;
  readonly kernels?: Kernels;
}

/** Assembles a program, runs it to its halt and gives back everything that happened. */
export function runAssembly(source: string, hw: HardwareModel, options: AssemblyOptions = {}): AssemblyRun {
  const program = assemble(source, 'test.lasm', { hw });
  const events: InstructionEvent[] = [];
  const tokens: TokenEvent[] = [];
  const machine = new Machine(programImage(program, hw), hw, {
    values: options.values ?? true,
    dense: options.dense ?? false,
    trace: {
      instruction: (event) => events.push(event),
      token: (event) => tokens.push(event),
    },
    cycleLimit: options.cycleLimit ?? 1_000_000,
    kernels: options.kernels,
    ...(options.assumedGroups === undefined ? {} : { assumedGroups: options.assumedGroups }),
  });
  while (!machine.advance(10_000));
  const stamps = (name: string, n = 0) => {
    const event = events.filter((candidate) => candidate.name === name)[n];
    if (!event) throw new Error(`no event ${n} of ${name}`);
    return event;
  };
  return { machine, instructions: program.instructions, labels: program.labels, events, tokens, stamps };
}

/** Floats that the machine left in memory. */
export function floatsAt(machine: Machine, address: number, count: number): number[] {
  const bytes = machine.store.read(address, 4 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
}

/** 32-bit integers that the machine left in memory. */
export function integersAt(machine: Machine, address: number, count: number): number[] {
  const bytes = machine.store.read(address, 4 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
}
