import fc from 'fast-check';
import { type CompiledModule, compile } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { instructionsByName, issueUnits } from '../../src/isa/table.ts';
import type { Command, Timing } from '../../src/machine/kernel/command.ts';
import { Ports, sharedPorts } from '../../src/machine/kernel/ports.ts';
import { newClock, Semaphores } from '../../src/machine/kernel/semaphores.ts';
import { type Surroundings, Unit } from '../../src/machine/kernel/unit.ts';
import { counterClass } from '../../src/rtl/counterClasses.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { randomNumbers } from './frontEndBench.ts';
import { templatesFromDisk } from './templates.ts';

const units = issueUnits.length - 1;
const ports = sharedPorts.length;

/** All units' controls and the arbiter; the words of an instruction are the ports that it wants. */
function benchText(depths: readonly number[]): string {
  const control = (unit: number) => `
  unit_control #(.QUEUE_DEPTH(${depths[unit]})) u_control_${unit} (
    .clk_i, .rst_ni, .push_i(push_i[${unit}]), .push_op_i, .push_wait_i, .push_post_i, .push_words_i,
    .push_ports_i(push_words_i[11:0]), .full_o(full_o[${unit}]), .idle_o(idle_o[${unit}]),
    .post_i({${Array.from({ length: units }, (_, from) => `posts[${8 * (units - 1 - from) + unit + 1}]`).join(', ')}, post_i[${unit + 1}]}),
    .post_o(posts[${8 * unit} +: 8]), .head_op_o(op_o[${4 * unit} +: 4]),
    .head_words_o(words[${224 * unit} +: 224]), .stall_i(stall_i[${unit}]), .ask_o(ask[${unit}]), .wanted_o(wanted[${ports * unit} +: ${ports}]), .ok_i(ok[${unit}]),
    .start_o(start_o[${unit}]), .done_i(done_i[${unit}]), .core_class_i(core_class_i[${2 * unit} +: 2]),
    .class_o(class_o[${4 * unit} +: 4])
  );`;
  return `
module bench (
  input logic clk_i, input logic rst_ni, input logic [${units - 1}:0] push_i, input logic [3:0] push_op_i,
  input logic [7:0] push_wait_i, input logic [7:0] push_post_i, input logic [223:0] push_words_i,
  output logic [${units - 1}:0] full_o, output logic [${units - 1}:0] idle_o, input logic [7:0] post_i,
  output logic [${units - 1}:0] post_front_o, output logic [${units - 1}:0] start_o, input logic [${units - 1}:0] done_i,
  input logic [${units - 1}:0] stall_i, input logic [${2 * units - 1}:0] core_class_i,
  output logic [${4 * units - 1}:0] class_o, output logic [${4 * units - 1}:0] op_o
);
  logic [${8 * units - 1}:0] posts;
  logic [${224 * units - 1}:0] words;
  logic [${ports * units - 1}:0] wanted;
  logic [${units - 1}:0] ask, ok;
  ${Array.from({ length: units }, (_, unit) => `assign post_front_o[${unit}] = posts[${8 * unit}];`).join('\n  ')}
  ${Array.from({ length: units }, (_, unit) => control(unit)).join('\n')}
  port_arbiter u_arbiter (.clk_i, .rst_ni, .ask_i(ask), .wanted_i(wanted), .ok_o(ok), .done_i);
endmodule`;
}

/** A unit whose instructions want the ports and take the cycles that their operands say. */
class Probe extends Unit {
  stalled = false;
  startedIn = -1;
  finishedIn = -1;
  until = -1;
  op = 0;
  posted = 0;

  protected portsFor(command: Command): number {
    return command.values[0] as number;
  }

  protected override waitsForUnit(): number {
    return this.stalled ? 0 : -1;
  }

  protected start(command: Command, cycle: number): Timing {
    const cycles = command.values[1] as number;
    this.startedIn = cycle;
    this.op = command.values[2] as number;
    this.until = cycle + cycles;
    return { first: cycles, finish: cycles };
  }

  protected override finished(command: Command): void {
    this.posted = command.post;
  }
}

interface Traffic {
  readonly seed: number;
  readonly cycles: number;
  /** In 16ths: how often an instruction comes, waits for something, wants a port, and a unit is stalled. */
  readonly push: number;
  readonly wait: number;
  readonly port: number;
  readonly stall: number;
  readonly longest: number;
}

describeVerilog.each([
  { name: 'short queues', depths: [1, 1, 2, 2, 3, 1, 2] },
  { name: 'long queues', depths: [4, 5, 8, 9, 16, 17, 3] },
])('units’ control and port arbiter with $name', ({ depths }) => {
  let module: CompiledModule;

  beforeAll(async () => {
    const all = templatesFromDisk();
    const names = ['counting_semaphore', 'fifo', 'mem_distributed', 'unit_control', 'port_arbiter'];
    const files = names.map((name) => ({ name: `${name}.sv`, text: all.get(`lib/${name}.sv`) as string }));
    files.push({ name: 'bench.sv', text: benchText(depths) });
    module = await compile({ files, top: 'bench', warnings: 'error', xInitial: 'unique' });
  });

  /** Throws at the first cycle in which the sides differ; returns the classes seen. */
  function run(traffic: Traffic, classes: Set<number>): number {
    const sim = module.instantiate({ seed: traffic.seed + 1 });
    const random = randomNumbers(traffic.seed);
    const chance = (sixteenths: number) => random(16) < sixteenths;
    const semaphores = new Semaphores();
    const portsHeld = new Ports(hardware('kv260'));
    const around = {
      semaphores,
      ports: portsHeld,
      races: { enter: () => undefined },
      trace: { instruction: () => undefined },
      wake: () => undefined,
      began: () => undefined,
      ended: () => undefined,
      prepare: () => ({ footprints: [], work: {} }),
    } as unknown as Surroundings;
    const probes = depths.map(
      (depth, unit) => new Probe(issueUnits[unit + 1] as (typeof issueUnits)[number], depth, around),
    );
    const set = (name: string, value: number) => sim.port(name).set(value);
    const get = (name: string) => sim.port(name).get();
    const bits = (test: (probe: Probe, unit: number) => boolean) =>
      probes.reduce((mask, probe, unit) => mask | (test(probe, unit) ? 1 << unit : 0), 0);

    set('rst_ni', 0);
    for (const name of ['push_i', 'post_i', 'done_i', 'stall_i', 'core_class_i']) set(name, 0);
    for (let cycle = 0; cycle < 3; cycle++) sim.tick();
    set('rst_ni', 1);
    let starts = 0;

    for (let cycle = 0; cycle < traffic.cycles; cycle++) {
      // Seen by the front end before the units move.
      const full = bits((probe) => !probe.hasRoom());
      const idle = bits((probe) => !probe.busy);
      const unit = random(units);
      const mask = (sixteenths: number, width: number) =>
        Array.from({ length: width }, (_, bit) => (chance(sixteenths) ? 1 << bit : 0)).reduce((a, b) => a | b, 0);
      set('push_i', 0);
      if (chance(traffic.push) && (probes[unit] as Probe).hasRoom()) {
        const [wait, post, wanted, op] = [mask(traffic.wait, 8), mask(6, 8), mask(traffic.port, ports), random(16)];
        (probes[unit] as Probe).push({
          spec: instructionsByName.get('dma.sync') as Command['spec'],
          pc: 0,
          wait,
          post,
          values: [wanted, 1 + random(traffic.longest), op],
          fetched: 0,
          issued: cycle,
          marks: { pass: 0, layer: 0, operation: 0, token: 0 },
          clock: newClock(),
        });
        set('push_i', 1 << unit);
        set('push_op_i', op);
        set('push_wait_i', wait);
        set('push_post_i', post);
        sim.port('push_words_i').setWords([wanted, random(2 ** 32), 0, 0, 0, 0, random(2 ** 32)]);
      }
      const given = mask(2, 8) & 0xfe;
      const coreClasses = random(2 ** (2 * units));
      for (const probe of probes) probe.stalled = chance(traffic.stall);
      set('post_i', given);
      set(
        'done_i',
        bits((probe) => probe.until === cycle),
      );
      set(
        'stall_i',
        bits((probe) => probe.stalled),
      );
      set('core_class_i', coreClasses);
      sim.eval();

      const finishing = bits((probe) => probe.until === cycle);
      for (const probe of probes) probe.posted = 0;
      if (given !== 0) semaphores.post(given, 0, newClock());
      for (const probe of probes) probe.evaluate(cycle);
      const started = bits((probe) => probe.startedIn === cycle);
      const rtl = {
        full: get('full_o'),
        idle: get('idle_o'),
        started: get('start_o'),
        postFront: get('post_front_o'),
        classes: probes.map((_, index) => (get('class_o') >>> (4 * index)) & 15),
        ops: probes.map((_, index) => ((started >> index) & 1 ? (get('op_o') >>> (4 * index)) & 15 : -1)),
      };
      const model: typeof rtl = {
        full,
        idle,
        started,
        postFront: bits((probe, index) => ((finishing >> index) & 1) === 1 && (probe.posted & 1) === 1),
        classes: probes.map((probe, index) => {
          const name = probe.accounting.current;
          return counterClass(name) + (name === 'working' ? (coreClasses >> (2 * index)) & 3 : 0);
        }),
        ops: probes.map((probe) => (probe.startedIn === cycle ? probe.op : -1)),
      };
      if (JSON.stringify(rtl) !== JSON.stringify(model)) {
        throw new Error(`cycle ${cycle}: Verilog ${JSON.stringify(rtl)}, model ${JSON.stringify(model)}`);
      }
      for (const value of model.classes) classes.add(value);
      starts += probes.filter((probe) => probe.startedIn === cycle).length;
      sim.tick();
      for (const probe of probes) probe.commit(cycle);
      semaphores.commit(() => undefined);
      portsHeld.commit(() => undefined);
    }
    return starts;
  }

  it('start, finish and count as the machine’s units', () => {
    const classes = new Set<number>();
    let starts = 0;
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(2 ** 30),
          cycles: fc.integer({ min: 10, max: 400 }),
          push: fc.constantFrom(4, 16),
          wait: fc.constantFrom(0, 1, 3),
          port: fc.constantFrom(0, 2, 4),
          stall: fc.constantFrom(0, 4),
          longest: fc.constantFrom(1, 4, 12),
        }),
        (traffic) => {
          starts += run(traffic, classes);
        },
      ),
      { numRuns: 80 },
    );
    expect(starts).toBeGreaterThan(1000);
    const all = ['idle', 'working', 'port', ...issueUnits.map((unit) => `wait.${unit}`)];
    expect([...classes]).toEqual(expect.arrayContaining(all.map(counterClass)));
  });
});
