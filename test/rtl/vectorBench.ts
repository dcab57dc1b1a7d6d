import { type CompiledModule, compile, type Port } from 'verilator-wasm';
import { rounder } from '../../src/base/float.ts';
import { type Derived, derive } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { type InstructionSpec, instructionsByName } from '../../src/isa/table.ts';
import { type Buffers, createBuffers } from '../../src/machine/kernel/buffers.ts';
import type { Command, Timing } from '../../src/machine/kernel/command.ts';
import { Ports } from '../../src/machine/kernel/ports.ts';
import { MemoryStore } from '../../src/machine/kernel/store.ts';
import type { Surroundings } from '../../src/machine/kernel/unit.ts';
import { Vector } from '../../src/machine/units/vector.ts';
import { PlainValues } from '../../src/machine/values/plain.ts';
import { renderTemplate } from '../../src/rtl/render.ts';
import { templatesFromDisk } from './templates.ts';

/** An instruction of the vector unit, operands by name; it starts `gap` cycles after the one before has finished. */
export interface VectorInstruction {
  readonly name: string;
  readonly operands: Readonly<Record<string, number>>;
  readonly gap: number;
}

/** What the buffers hold before the first instruction. */
export type Contents = Pick<Buffers, 'act' | 'coef' | 'acc'>;

/** The files of the vector unit. */
export function vectorFiles(hw: HardwareModel): { name: string; text: string }[] {
  const templates = templatesFromDisk();
  const names = [...templates.keys()].filter((name) => /^(lib\/)?(vector|fp_|delay|mem_distributed)/.test(name));
  return names.map((name) => ({
    name: (name.split('/').at(-1) as string).replace('.hbs', ''),
    text: renderTemplate(templates, name, hw),
  }));
}

export function compileVector(hw: HardwareModel): Promise<CompiledModule> {
  return compile({ files: vectorFiles(hw), top: 'vector', warnings: 'error', xInitial: 'unique' });
}

/** The machine's unit, asked for times, ports and values only. */
class Reference extends Vector {
  run(command: Command): Timing {
    return this.start(command);
  }
  held(command: Command): number {
    return this.portsFor(command);
  }
}

function commandOf(spec: InstructionSpec, operands: Readonly<Record<string, number>>): Command {
  return { spec, values: spec.operands.map(({ name }) => operands[name] ?? 0) } as unknown as Command;
}

function wordsOf({ spec, values }: Command): number[] {
  const words = [0, 0, 0, 0, 0, 0, 0];
  spec.operands.forEach(({ word, low }, index) => {
    words[word - 1] = ((words[word - 1] as number) | ((values[index] as number) << low)) >>> 0;
  });
  return words;
}

const theNaN = 0x7fc0_0000;

function bitsOf(value: number, view = new DataView(new ArrayBuffer(4))): number {
  if (Number.isNaN(value)) return theNaN;
  view.setFloat32(0, value);
  return view.getUint32(0);
}

interface Pending {
  readonly cycle: number;
  readonly apply: () => void;
}

/** A read port: words that come back `latency` cycles after their address, noise otherwise. */
class ReadPort {
  private readonly returning: (Uint32Array | undefined)[] = [];
  private readonly enable: Port;
  private readonly address: Port;
  private readonly data: Port;
  private readonly latency: number;
  private readonly buffer: Float32Array | Int32Array;
  private readonly elements: number;
  private readonly noise: () => number;

  constructor(
    port: (name: string) => Port,
    name: string,
    latency: number,
    buffer: Float32Array | Int32Array,
    elements: number,
    noise: () => number,
  ) {
    this.enable = port(`${name}_read_enable_o`);
    this.address = port(`${name}_read_address_o`);
    this.data = port(`${name}_read_data_i`);
    this.latency = latency;
    this.buffer = buffer;
    this.elements = elements;
    this.noise = noise;
  }

  /** Before the cycle's evaluation: what was asked for `latency` cycles ago. */
  drive(): void {
    const word = this.returning.length >= this.latency ? this.returning.shift() : undefined;
    this.data.setWords(Array.from({ length: this.elements }, (_, i) => word?.[i] ?? this.noise()));
  }

  /** After the evaluation. */
  sample(): void {
    const enabled = this.enable.get() === 1;
    const first = this.address.get() * this.elements;
    if (!enabled && first !== 0) throw new Error('an address without a read');
    if (enabled && first >= this.buffer.length) throw new Error(`read of element ${first} of ${this.buffer.length}`);
    this.returning.push(
      enabled
        ? Uint32Array.from({ length: this.elements }, (_, i) => {
            const value = this.buffer[first + i];
            if (value === undefined) return this.noise();
            return this.buffer instanceof Float32Array ? bitsOf(value) : value >>> 0;
          })
        : undefined,
    );
  }
}

function firstDifference(name: string, found: ArrayLike<number>, wanted: ArrayLike<number>): string | undefined {
  for (let i = 0; i < wanted.length; i++) {
    if (!Object.is(found[i], wanted[i])) return `${name}[${i}] is ${found[i]}, not ${wanted[i]}`;
  }
  return undefined;
}

/**
 * Runs instructions on the Verilog and on the machine's unit. Returns the first difference: in the contents of a
 * buffer when an instruction finishes, in a stamp, a port, or the cycles that count as work.
 */
export function difference(
  module: CompiledModule,
  hw: HardwareModel,
  contents: Contents,
  instructions: readonly VectorInstruction[],
  seed: number,
): string | undefined {
  const derived: Derived = derive(hw);
  const buffers = { ...createBuffers(hw, derived), ...contents, act: contents.act.slice() };
  const reference = new Reference({
    hw,
    derived,
    ports: new Ports(hw),
  } as unknown as Surroundings);
  const values = new PlainValues({ hw, derived, buffers, store: new MemoryStore(0, []) });
  const round = rounder(hw.vector.format);
  const act = contents.act.slice();
  const input = buffers.input.slice();

  const simulation = module.instantiate({ seed: seed >>> 0 });
  const ports = new Map<string, Port>();
  const port = (name: string): Port => {
    const known = ports.get(name) ?? simulation.port(name);
    ports.set(name, known);
    return known;
  };
  let state = seed | 1;
  const noise = () => {
    state = Math.imul(state, 0x9e37_79b1) + 0x7f4a_7c15;
    return (state ^ (state >>> 15)) >>> 0;
  };
  const reads = [
    new ReadPort(port, 'act', 3, act, derived.actWordElements, noise),
    new ReadPort(port, 'coef', 2, contents.coef, derived.coefWordElements, noise),
    new ReadPort(port, 'acc', 2, contents.acc, derived.accWordElements, noise),
  ];
  const pending: Pending[] = [];
  let cycle = 0;
  let running = false;

  function sampleWrites(): void {
    const actMask = port('act_write_mask_o').getBig();
    if (actMask !== 0n) {
      const at = port('act_write_address_o').get() * derived.actWordElements;
      const data = Float32Array.from({ length: derived.actWordElements }, () => 0);
      new Uint32Array(data.buffer).set(wordsFrom(port('act_write_data_o'), derived.actWordElements));
      // Readable by an address two cycles later.
      pending.push({
        cycle: cycle + 2,
        apply: () => {
          for (let i = 0; i < data.length; i++) if ((actMask >> BigInt(i)) & 1n) act[at + i] = round(data[i] as number);
        },
      });
    }
    const inputMask = port('input_write_mask_o').getBig();
    if (inputMask !== 0n) {
      const at = port('input_write_address_o').get() * derived.inputWordElements;
      const words = wordsFrom(port('input_write_data_o'), Math.ceil(derived.inputWordElements / 4));
      const data = new Int8Array(Uint32Array.from(words).buffer);
      pending.push({
        cycle: cycle + 1,
        apply: () => {
          for (let i = 0; i < derived.inputWordElements; i++)
            if ((inputMask >> BigInt(i)) & 1n) input[at + i] = data[i] as number;
        },
      });
    }
  }

  /** One cycle; true in `done`, false otherwise. `start` may depend on done, which is a register. */
  function step(start: Command | undefined): { first: boolean; working: boolean; ports: number } {
    for (let i = pending.length - 1; i >= 0; i--) {
      const entry = pending[i] as Pending;
      if (entry.cycle <= cycle) {
        entry.apply();
        pending.splice(i, 1);
      }
    }
    port('start_i').set(start ? 1 : 0);
    port('op_i').set(start ? start.spec.opcode & 15 : noise() & 15);
    port('words_i').setWords(start ? wordsOf(start) : Array.from({ length: 7 }, noise));
    for (const read of reads) read.drive();
    simulation.eval();
    // Registers hold anything until the reset's first edge.
    if (running) {
      for (const read of reads) read.sample();
      sampleWrites();
    }
    const seen = {
      first: port('first_o').get() === 1,
      working: port('class_o').get() === 0,
      ports: port('push_ports_o').get(),
    };
    simulation.tick();
    cycle++;
    return seen;
  }

  port('rst_ni').set(0);
  for (let i = 0; i < 3; i++) step(undefined);
  port('rst_ni').set(1);
  running = true;
  for (const { name, operands, gap } of instructions) {
    for (let i = 0; i < gap; i++) {
      // The first result may have been the last one too.
      if (step(undefined).first && i > 0) return `${name}: first without an instruction`;
    }
    const command = commandOf(instructionsByName.get(name) as InstructionSpec, operands);
    values.execute(command);
    const timing = reference.run(command);
    port('push_op_i').set(command.spec.opcode & 15);
    port('push_words_i').setWords(wordsOf(command));
    let first = -1;
    let working = 0;
    let elapsed = 0;
    do {
      const seen = step(elapsed === 0 ? command : undefined);
      if (elapsed === 0 && seen.ports !== reference.held(command)) return `${name}: ports ${seen.ports}`;
      // In its start cycle first_o may still belong to the instruction before, whose `first` is its last cycle.
      if (seen.first && elapsed > 0) {
        if (first >= 0) return `${name}: first twice, after ${first} and ${elapsed}`;
        first = elapsed;
      }
      if (seen.working) working++;
      elapsed++;
      if (elapsed > timing.finish + 50) return `${name}: not finished after ${elapsed} cycles`;
    } while (port('done_o').get() === 0);
    if (first < 0 && port('first_o').get() === 1) first = elapsed;
    const pipeline = timing.pipeline ?? 0;
    const say = (what: string, found: number, wanted: number) =>
      found === wanted ? undefined : `${name} ${JSON.stringify(operands)}: ${what} ${found}, not ${wanted}`;
    // What is visible to an address given in this cycle.
    for (const entry of pending.splice(0)) {
      if (entry.cycle > cycle) return `${name}: a write is visible ${entry.cycle - cycle} cycles after the end`;
      entry.apply();
    }
    const wrong =
      firstDifference('act', act, buffers.act) ??
      firstDifference('input', input, buffers.input) ??
      say('finished', elapsed, timing.finish) ??
      say('first', first, timing.first) ??
      say('working', working, timing.finish - pipeline);
    if (wrong) return `${name} ${JSON.stringify(operands)}: ${wrong}`;
  }
  return undefined;
}

function wordsFrom(port: Port, count: number): number[] {
  return count === 1 ? [port.get()] : Array.from(port.words).slice(0, count);
}
