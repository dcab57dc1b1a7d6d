/**
 * What surrounds a unit that reads `act` (attention, sampler): one instruction after the other is started, and the
 * buffers answer with their latencies.
 */

import { type CompiledModule, compile } from 'verilator-wasm';
import type { HardwareModel } from '../../src/hw/index.ts';
import { instructionsByName } from '../../src/isa/table.ts';
import type { Command } from '../../src/machine/kernel/command.ts';
import { newClock } from '../../src/machine/kernel/semaphores.ts';
import { renderTemplate } from '../../src/rtl/render.ts';
import { templatesFromDisk } from './templates.ts';

type Simulation = ReturnType<CompiledModule['instantiate']>;

/** The files of one unit of a hardware model: its own and those of the modules that it instantiates. */
export function unitFiles(unit: string, hw: HardwareModel): { name: string; text: string }[] {
  const templates = templatesFromDisk();
  const paths = new Map([...templates.keys()].map((path) => [(path.split('/').at(-1) as string).split('.')[0], path]));
  const files = new Map<string, string>();
  const visit = (name: string) => {
    const path = paths.get(name);
    if (path === undefined || files.has(name)) return;
    const text = renderTemplate(templates, path, hw);
    files.set(name, text);
    for (const [, module] of text.matchAll(/^\s*(\w+)\s+(?:#\(|u_)/gm)) visit(module as string);
  };
  visit(unit);
  return [...files].map(([name, text]) => ({ name: `${name}.sv`, text }));
}

/** Builds one unit of a hardware model. */
export function compileUnit(unit: string, hw: HardwareModel): Promise<CompiledModule> {
  return compile({ files: unitFiles(unit, hw), top: unit, xInitial: 'unique' });
}

/** An instruction as the unit gets it, in the order of its operands. */
export function command(name: string, ...values: number[]): Command {
  const spec = instructionsByName.get(name);
  if (!spec) throw new Error(`no instruction ${name}`);
  const marks = { pass: -1, layer: -1, operation: -1, token: -1 };
  return { spec, pc: 0, wait: 0, post: 0, values, fetched: 0, issued: 0, marks, clock: newClock() };
}

function words({ spec, values }: Command): Uint32Array {
  const result = new Uint32Array(7);
  spec.operands.forEach(({ word, low, bits }, index) => {
    const value = (values[index] as number) >>> 0;
    const field = bits === 32 ? value : (value & (2 ** bits - 1)) << low;
    result[word - 1] = (result[word - 1] as number) | field;
  });
  return result;
}

/** A buffer that is read: the words appear `latency` cycles after the address. */
interface ReadPort {
  readonly enable: string;
  readonly address: string;
  readonly data: string;
  readonly word: (address: number) => Uint32Array;
}

export interface Ended {
  /** Cycles from the start to `first_o` and to `done_o`. */
  readonly first: number;
  readonly finish: number;
  /** Cycles of each class. */
  readonly classes: readonly number[];
}

const readLatency = 3;

/** Runs instructions on a unit, `reads` being its surroundings; `observe` is called in every cycle, outputs settled. */
export class UnitBench {
  readonly sim: Simulation;
  private readonly reads: readonly { readonly data: Uint32Array[]; readonly port: ReadPort }[];
  private readonly observe: (cyclesSinceStart: number) => void;

  constructor(module: CompiledModule, reads: readonly ReadPort[], observe: (cyclesSinceStart: number) => void) {
    this.sim = module.instantiate({ seed: 1 });
    this.reads = reads.map((port) => ({ port, data: [] }));
    this.observe = observe;
    this.sim.port('rst_ni').set(0);
    this.sim.port('start_i').set(0);
    this.sim.tick();
    this.sim.tick();
    this.sim.port('rst_ni').set(1);
  }

  /** One cycle: the outputs settle, are seen, and the clock rises. */
  private cycle(sinceStart: number): void {
    const { sim } = this;
    for (const { port, data } of this.reads) {
      const word = data.shift();
      // Without an address the data mean nothing: here, NaN or large integers.
      if (word) sim.port(port.data).setWords(word);
      else sim.port(port.data).setWords(port.word(0).map(() => 0xffff_ffff));
    }
    sim.eval();
    for (const { port, data } of this.reads) {
      while (data.length < readLatency - 1) data.push(port.word(0).map(() => 0xffff_ffff));
      const enabled = sim.port(port.enable).get() === 1;
      const address = sim.port(port.address).get();
      if (!enabled && address !== 0) throw new Error(`${port.address} is ${address} without an enable`);
      data.push(enabled ? port.word(address) : port.word(0).map(() => 0xffff_ffff));
    }
    this.observe(sinceStart);
  }

  /** Lets cycles pass, the first being that in which the last instruction is done. */
  idle(cycles: number): void {
    for (let i = 0; i < cycles; i++) {
      this.cycle(-1);
      if (i > 0 && this.sim.port('done_o').get() !== 0) throw new Error('done without a start');
      this.sim.tick();
    }
  }

  /** Starts an instruction in this cycle and returns in the cycle in which it is done, before that cycle is over. */
  run(instruction: Command, limit: number): Ended {
    const { sim } = this;
    sim.port('start_i').set(1);
    sim.port('op_i').set(instruction.spec.opcode & 15);
    sim.port('words_i').setWords([...words(instruction)]);
    const classes = [0, 0, 0, 0];
    let first = -1;
    for (let cycle = 0; cycle <= limit; cycle++) {
      // The cycle of `done` is at once the next instruction's first.
      if (cycle > 0) {
        if (sim.port('first_o').get() === 1 && first < 0) first = cycle;
        if (sim.port('done_o').get() === 1) return { first, finish: cycle, classes };
      }
      this.cycle(cycle);
      const at = sim.port('class_o').get();
      classes[at] = (classes[at] as number) + 1;
      sim.tick();
      sim.port('start_i').set(0);
      sim.port('op_i').set(7);
      sim.port('words_i').setWords(new Array<number>(7).fill(0x5555_5555));
    }
    throw new Error(`${instruction.spec.name} is not done after ${limit} cycles`);
  }
}
