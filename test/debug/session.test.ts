import { describe, expect, it } from 'vitest';
import type { Debugger } from '../../src/debug/debugger.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, issueUnits, programImage } from '../../src/isa/index.ts';
import type { UnitLook } from '../../src/machine/kernel/look.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';
import { Random } from '../machine/random/source.ts';
import { randomHardware, randomProgram } from '../machine/randomProgram.ts';
import { debuggerOf, say } from './debugging.ts';

const seeds = Array.from({ length: 10 }, (_, index) => 7000 + index);

/** Everything that can be looked at, as one text. */
function everything(debug: Debugger): string {
  const looks = ['where', 'units', 'waits', 'queues', 'semaphores', 'ports', 'registers', 'marks', 'summary', 'text'];
  const values = [
    'buffers',
    'print act:0 64',
    'print acc:0 64',
    'print input:0 64',
    'print coef:0 16',
    'print kv:0 32',
  ];
  return [...looks, ...values, 'x 0 256'].flatMap((command) => [`> ${command}`, ...say(debug, command)]).join('\n');
}

interface Whole {
  readonly events: readonly InstructionEvent[];
  /** Waits: unit, class, first cycle, cycle after the last. */
  readonly waits: readonly { unit: string; class: string; from: number; to: number }[];
  readonly cycles: number;
}

/** The same program without a debugger. */
function whole(source: string, commandBlock: Uint8Array, hw: HardwareModel): Whole {
  const events: InstructionEvent[] = [];
  const waits: { unit: string; class: string; from: number; to: number }[] = [];
  const machine = new Machine(programImage(assemble(source, 'test.lasm', { hw }), hw), hw, {
    values: true,
    dense: false,
    trace: {
      instruction: (event) => events.push(event),
      token: () => {},
      span: (unit, name, from, to) => {
        const last = waits.findLast((one) => one.unit === unit);
        if (last && last.class === name && last.to === from) last.to = to;
        else waits.push({ unit, class: name, from, to });
      },
    },
  });
  machine.store.write(0, commandBlock);
  while (!machine.advance(100_000));
  return { events, waits, cycles: machine.cycle };
}

/** A debugger of a random program, with the words that it reads. */
function random(seed: number) {
  const hw = randomHardware(seed);
  const program = randomProgram(seed, hw);
  const words = new Uint8Array(new Uint32Array(program.commandWords).buffer);
  const open = () => debuggerOf(program.source, hw, { commandBlock: words });
  return { hw, open, run: () => whole(program.source, words, hw) };
}

/** Goes on until the end; the lines of every stop. */
function stops(debug: Debugger): (readonly string[])[] {
  const found: (readonly string[])[] = [];
  for (;;) {
    const lines = say(debug, 'continue');
    if (debug.session.over !== undefined) return found;
    found.push(lines);
  }
}

describe('a session', () => {
  it('shows the same in a cycle wherever it came from, and ends as a run without it does', () => {
    for (const seed of seeds) {
      const { open, run } = random(seed);
      const { cycles } = run();
      const debug = open();
      const dice = new Random(seed);
      for (let move = 0; move < 8; move++) {
        const target = dice.integer(0, cycles - 1);
        say(debug, `goto ${target}`);
        say(
          debug,
          dice.pick(['step 3', 'step 2 instructions', 'back 4', 'step 1', 'back 3 instructions', 'back 2 dma']),
        );
        const at = debug.session.cycle;
        const fresh = open();
        say(fresh, `goto ${at}`);
        expect(everything(debug), `seed ${seed}, cycle ${at}`).toBe(everything(fresh));
      }
      expect(say(debug, 'continue')).toEqual([`the program has halted after ${cycles} cycles`]);
      const fresh = open();
      say(fresh, 'continue');
      expect(everything(debug)).toBe(everything(fresh));
    }
  });

  it('goes back to before what was last, and step does it again', () => {
    for (const seed of seeds.slice(0, 4)) {
      const { open } = random(seed);
      const debug = open();
      for (const what of ['instructions', 'vector', 'dma', 'cycles']) {
        say(debug, 'goto 0');
        say(debug, `step 12 ${what}`);
        const there = debug.session.cycle;
        if (debug.session.over !== undefined) continue;
        say(debug, `back 5 ${what}`);
        expect(debug.session.cycle).toBeLessThan(there);
        say(debug, `step 5 ${what}`);
        expect(debug.session.cycle, `seed ${seed}, ${what}`).toBe(there);
      }
    }
  });

  it('stops in the cycle after each instruction that a unit begins', () => {
    for (const seed of seeds) {
      const { open, run } = random(seed);
      const { events } = run();
      for (const unit of ['vector', 'matmul', 'kvStore'] as const) {
        const began = events.filter((event) => event.unit === unit).map(({ started, pc }) => [started + 1, pc]);
        if (began.length === 0) continue;
        const debug = open();
        say(debug, `break ${unit}`);
        const found: number[][] = [];
        for (;;) {
          say(debug, 'continue');
          if (debug.session.over !== undefined) break;
          const { active } = debug.session.machine.look().units[issueUnits.indexOf(unit) - 1] as UnitLook;
          found.push([debug.session.cycle, active?.command.pc ?? -1]);
        }
        expect(found, `seed ${seed}, ${unit}`).toEqual(began);
      }
    }
  });

  it('stops when a unit has waited for longer than asked, in the first cycle in which that is so', () => {
    let found = 0;
    for (const seed of seeds.slice(0, 6)) {
      const { open, run } = random(seed);
      const { waits, cycles } = run();
      for (const unit of issueUnits) {
        for (const longer of [0, 7, 60]) {
          const long = waits.filter((one) => {
            const stalls = /^(wait\.|port|queueFull|fetch|drain)/.test(one.class);
            // In the last cycles of a run it stops no more.
            return one.unit === unit && stalls && one.to - one.from > longer && one.from + longer + 1 < cycles;
          });
          const debug = open();
          const asked = `break stall ${longer} ${unit}`;
          say(debug, asked);
          const expected = long.map(({ from }) => from + longer + 1);
          const classes = new Set(['wait', 'port', 'queueFull', 'fetch', 'drain']);
          const cyclesOfStops: number[] = [];
          for (;;) {
            say(debug, 'continue');
            if (debug.session.over !== undefined) break;
            const { class: current } = debug.session.machine.lookAtCycles(issueUnits.indexOf(unit));
            if (classes.has(current.split('.')[0] as string)) cyclesOfStops.push(debug.session.cycle);
          }
          expect(cyclesOfStops, `seed ${seed}, ${asked}`).toEqual(expected);
          found += expected.length;
        }
      }
    }
    expect(found).toBeGreaterThan(200);
  });

  it('stops where the front end comes to an instruction, before it executes it', () => {
    for (const seed of seeds) {
      const { open, run } = random(seed);
      const { events } = run();
      const [event] = events.filter(({ unit }) => unit === 'vector');
      if (!event) continue;
      const issued = events.filter(({ pc }) => pc === event.pc);
      const debug = open();
      say(debug, `break ${event.pc}`);
      const at = stops(debug).length;
      expect(at).toBe(issued.length);
      say(debug, 'goto 0');
      say(debug, 'continue');
      // It is ready one instruction time after its fetch; it may wait for room after that.
      const { cyclesPerInstruction } = debug.session.target.hw.frontEnd;
      expect(debug.session.cycle).toBe((issued[0] as InstructionEvent).fetched + cyclesPerInstruction - 1);
      expect(debug.session.machine.lookAtPlace().pc).toBe(event.pc);
    }
  });

  it('stops at every access to a range, and at none besides', () => {
    for (const seed of seeds) {
      const { open } = random(seed);
      const all = open();
      for (const unit of issueUnits.slice(1)) {
        try {
          say(all, `break ${unit}`);
        } catch {
          // The program does not use it.
        }
      }
      const { session } = all;
      const range = { begin: 8, end: 40 };
      const expected: number[] = [];
      const watched = open();
      say(watched, 'watch act:8 32');
      for (;;) {
        const lines = say(all, 'continue');
        if (session.over !== undefined) break;
        const writes = session.writers.of('act').filter(({ cycle }) => cycle === session.cycle - 1);
        const touched = writes.some(({ range: { begin, end, rows, pitch, width } }) =>
          Array.from({ length: rows }, (_, row) => begin + row * pitch).some(
            (first) => first < range.end && Math.min(first + width, end) > range.begin,
          ),
        );
        if (touched && lines.length > 0) expected.push(session.cycle);
      }
      const found: number[] = [];
      for (;;) {
        say(watched, 'continue');
        if (watched.session.over !== undefined) break;
        found.push(watched.session.cycle);
      }
      expect(found, `seed ${seed}`).toEqual(expected);
    }
  });

  it('stands before the cycle of a race, and at a deadlock, and can go back from both', () => {
    const race = debuggerOf(
      [
        '.data numbers',
        '.f32 ramp(8, 1.0, 0.5)',
        'dma.load space=act, format=float32, local=0, remote=numbers, elements=8, rows=1, remoteStride=0, localPitch=0',
        'vector.add dst=16, a=0, b=0, rows=1, elements=8, pitch=8',
        'halt',
      ].join('\n'),
    );
    const [first] = say(race, 'continue');
    expect(first).toMatch(/^error\[MCH003\] race: .*; this is the state before that cycle$/);
    const { cycle } = race.session;
    expect(say(race, 'continue')[0]).toBe(first);
    expect(race.session.cycle).toBe(cycle);
    say(race, 'back 5');
    expect(race.session.cycle).toBe(cycle - 5);

    const stuck = debuggerOf('vector.sync @wait(dma)\nhalt');
    expect(say(stuck, 'continue')).toEqual([
      expect.stringMatching(
        /^error\[MCH001\] deadlock in cycle \d+: .*vector \(vector.sync, instruction 0\) waits for a post of dma/,
      ),
    ]);
    expect(say(stuck, 'waits').join('\n')).toContain('waits for a post of dma');
    const end = stuck.session.cycle;
    say(stuck, 'back');
    expect(stuck.session.cycle).toBe(end - 1);
    say(stuck, 'step 5');
    expect(stuck.session.cycle).toBe(end);
  });

  it('ends at the cycle limit', () => {
    const debug = debuggerOf('again: jmp again\nhalt', undefined, { cycleLimit: 500 });
    expect(say(debug, 'continue')[0]).toMatch(/MCH002/);
    expect(debug.session.cycle).toBe(500);
    expect(() => say(debug, 'break cycle 600')).toThrow(/cycle 600 never comes/);
  });

  it('gives control back while it runs, and stops when it is told to', () => {
    const debug = debuggerOf('again: jmp again\nhalt', undefined, { cycleLimit: 1e9 });
    const answer = debug.execute('continue');
    expect(answer.next().done).toBe(false);
    debug.session.interrupted = true;
    const { value } = answer.next();
    expect((value as readonly string[])[0]).toBe('interrupted');
    expect(debug.session.cycle).toBeGreaterThan(1000);
  });
});
