import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { memoryModule } from '../../src/cli/assembly.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, instructionTable, issueUnits, programImage } from '../../src/isa/index.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { InstructionEvent, TokenEvent, TraceSink } from '../../src/trace/events.ts';
import { chooseEdges, isOrdered, render } from './random/order.ts';
import { type RandomProgram, randomHardware, randomProgram, randomRegion } from './randomProgram.ts';

/** Seeds of this run; other numbers give other programs. */
const programs = 120;
const module = await memoryModule();
if (!module) throw new Error('no WebAssembly');

interface Outcome {
  readonly machine: Machine;
  /** One line for each event, in the order in which the machine gave them. */
  readonly events: readonly string[];
  readonly tokens: readonly TokenEvent[];
}

function stampsOf({ unit, pc, name, sequence, fetched, issued, started, first, finished, marks }: InstructionEvent) {
  const { pass, layer, operation, token } = marks;
  return [unit, pc, name, sequence, fetched, issued, started, first, finished, pass, layer, operation, token].join(' ');
}

interface Modes {
  readonly dense: boolean;
  readonly values: boolean;
  readonly memoryModule?: WebAssembly.Module;
}

function load(program: RandomProgram, hw: HardwareModel, modes: Modes, sink?: TraceSink): Machine {
  const trace = sink ?? { instruction: () => {}, token: () => {} };
  const image = programImage(assemble(program.source, 'random.lasm', { hw }), hw);
  const machine = new Machine(image, hw, { ...modes, trace, cycleLimit: 1_000_000 });
  machine.store.write(0, new Uint8Array(Uint32Array.from(program.commandWords).buffer));
  return machine;
}

function run(program: RandomProgram, hw: HardwareModel, modes: Modes): Outcome {
  const events: string[] = [];
  const tokens: TokenEvent[] = [];
  const machine = load(program, hw, modes, {
    instruction: (event) => events.push(stampsOf(event)),
    token: (event) => tokens.push(event),
  });
  while (!machine.advance(100_000));
  return { machine, events, tokens };
}

function memoryOf(program: RandomProgram, { machine }: Outcome): string[] {
  return program.results.map(
    ({ name, address, bytes }) => `${name} ${Buffer.from(machine.store.read(address, bytes)).toString('base64')}`,
  );
}

/** What a machine says about itself at the end. */
function accountOf({ machine }: Outcome) {
  return {
    cycles: machine.cycle,
    instructions: machine.instructions,
    units: machine.counters.snapshot(machine.cycle),
    memory: machine.memory.statistics,
  };
}

/** Runs a check on program `seed`; a failure names the seed. */
function withSeed(seed: number, check: (program: RandomProgram, hw: HardwareModel) => void): void {
  const hw = randomHardware(seed);
  const program = randomProgram(seed, hw);
  try {
    check(program, hw);
  } catch (error) {
    (error as Error).message = `seed ${seed} (${hw.name}): ${(error as Error).message}`;
    throw error;
  }
}

describe('random programs', () => {
  const used = new Set<string>();

  it('give the same whether every unit is evaluated in every cycle, or only where something happens', () => {
    for (let seed = 0; seed < programs; seed++) {
      withSeed(seed, (program, hw) => {
        const sparse = run(program, hw, { dense: false, values: true });
        const dense = run(program, hw, { dense: true, values: true });
        expect(dense.events).toEqual(sparse.events);
        expect(dense.tokens).toEqual(sparse.tokens);
        expect(memoryOf(program, dense)).toEqual(memoryOf(program, sparse));
        expect(accountOf(dense)).toEqual(accountOf(sparse));
        const assembled = run(program, hw, { dense: seed % 2 === 1, values: true, memoryModule: module });
        expect(assembled.events).toEqual(sparse.events);
        expect(assembled.tokens).toEqual(sparse.tokens);
        expect(accountOf(assembled)).toEqual(accountOf(sparse));
        // The point of it: far fewer evaluations.
        expect(sparse.machine.evaluations).toBeLessThan(dense.machine.evaluations);

        const { cycles, units } = accountOf(sparse);
        expect(Object.keys(units)).toEqual([...issueUnits]);
        for (const classes of Object.values(units)) {
          expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(cycles);
        }

        for (const event of sparse.events) used.add(event.split(' ')[2] as string);
        // How far a shortlist is searched is data.
        if (program.source.includes('sampler.next')) return;
        const timing = run(program, hw, { dense: false, values: false, memoryModule: module });
        expect(timing.events).toEqual(sparse.events);
        expect(timing.tokens.map(({ cycle }) => cycle)).toEqual(sparse.tokens.map(({ cycle }) => cycle));
        expect(accountOf(timing)).toEqual(accountOf(sparse));
      });
    }
  });

  it('give every cycle of every unit one class at any time, not only at the end', () => {
    for (let seed = 0; seed < 20; seed++) {
      withSeed(seed, (program, hw) => {
        const machine = load(program, hw, { dense: false, values: false });
        while (!machine.advance(1)) {
          for (const classes of Object.values(machine.counters.snapshot(machine.cycle))) {
            const counts = Object.values(classes);
            // One comparison that says no, rather than thousands that are counted.
            if (counts.reduce((sum, count) => sum + count, 0) !== machine.cycle) expect(counts).toBe(machine.cycle);
          }
        }
      });
    }
  });

  it('use every instruction that has a queue', () => {
    const queued = instructionTable.filter(({ unit }) => unit !== 'frontEnd').map(({ name }) => name);
    expect(queued.filter((name) => !used.has(name))).toEqual([]);
  });

  it('stop with both instructions named when a semaphore that they need is left out', () => {
    let races = 0;
    for (let seed = 1000; seed < 1200; seed++) {
      const hw = randomHardware(seed);
      const { shop, items, random } = randomRegion(seed, hw);
      const edges = chooseEdges(items, random);
      const needed = edges.filter(
        (edge) =>
          !isOrdered(
            items,
            edges.filter((other) => other !== edge),
          ),
      );
      if (needed.length === 0) continue;
      const dropped = random.pick(needed);
      const program = (kept: typeof edges): RandomProgram => ({
        source: [
          '.command 4',
          ...[...shop.memory.values()].flatMap(({ declaration }) => declaration),
          ...render(items, kept),
          'halt',
          '',
        ].join('\n'),
        commandWords: [],
        results: [],
      });
      run(program(edges), hw, { dense: false, values: true });
      try {
        run(program(edges.filter((edge) => edge !== dropped)), hw, { dense: false, values: true });
        expect.unreachable(`seed ${seed}: no race was found`);
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(LutraError);
        expect((error as Error).message, `seed ${seed}`).toMatch(
          /^error\[MCH003\] race: nothing orders .* \(instruction \d+, (reads|writes) .*\) before .* \(instruction \d+, (reads|writes) .*\)/,
        );
      }
      races += 1;
    }
    expect(races).toBeGreaterThan(80);
  });
});
