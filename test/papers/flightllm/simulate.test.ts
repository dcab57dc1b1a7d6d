import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LD, MISC, MM, MV, ST, SYS, type TokenProgram, unitNames } from '../../../src/papers/flightllm/program.ts';
import { runTokenPrograms } from '../../../src/papers/flightllm/simulate.ts';
import { messageOf } from '../../hw/models.ts';

interface Instruction {
  readonly unit: number;
  readonly milliseconds: number;
  readonly waits: number;
  readonly releases: number;
}

const program = (list: readonly Instruction[]): TokenProgram => ({
  units: list.map(({ unit }) => unit),
  milliseconds: list.map(({ milliseconds }) => milliseconds),
  waits: list.map(({ waits }) => waits),
  releases: list.map(({ releases }) => releases),
});

type Stamps = Map<number, readonly [number, number]>;

/**
 * The rule, unit by unit and clock by clock: in every cycle each unit that is free looks at its oldest instruction,
 * takes its tokens if all are there, and gives its own away in the cycle in which it ends.
 */
function dense(list: readonly Instruction[]): { stamps: Stamps; left: number } {
  const queues = unitNames.map((_, unit) =>
    list.flatMap((one, index) => (one.unit === 1 << unit ? [{ ...one, index }] : [])),
  );
  const tokens = unitNames.map(() => unitNames.map(() => 0));
  const running = unitNames.map(() => ({ until: 0, releases: 0 }));
  const stamps: Stamps = new Map();
  const total = list.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  for (let now = 0; now <= total; now++) {
    // Instructions of no length end in the cycle in which they start and may let others start.
    for (let changed = true; changed; ) {
      changed = false;
      for (const [unit, state] of running.entries()) {
        if (state.until <= now && state.releases !== 0) {
          for (const other of unitNames.keys()) {
            if (state.releases & (1 << other)) (tokens[unit] as number[])[other]!++;
          }
          state.releases = 0;
          changed = true;
        }
        const next = queues[unit]?.[0];
        if (state.until > now || state.releases !== 0 || next === undefined) continue;
        const awaited = [...unitNames.keys()].filter((other) => next.waits & (1 << other));
        if (awaited.some((other) => tokens[other]?.[unit] === 0)) continue;
        for (const other of awaited) (tokens[other] as number[])[unit]!--;
        queues[unit]?.shift();
        state.until = now + next.milliseconds;
        state.releases = next.releases;
        stamps.set(next.index, [now, state.until]);
        changed = true;
      }
    }
  }
  return { stamps, left: queues.reduce((sum, { length }) => sum + length, 0) };
}

const unit = fc.constantFrom(LD, ST, MM, MV, MISC, SYS);
const others = (own: number, mask: number) => mask & ~own;
const instruction = fc
  .record({ unit, milliseconds: fc.nat(5), waits: fc.nat(63), releases: fc.nat(63) })
  .map((one) => ({ ...one, waits: others(one.unit, one.waits), releases: others(one.unit, one.releases) }));
const sparse = fc
  .record({
    unit,
    milliseconds: fc.nat(5),
    waits: fc.constantFrom(0, 0, LD, ST, MM, LD | ST, LD | MV),
    releases: fc.nat(63),
  })
  .map((one) => ({ ...one, waits: others(one.unit, one.waits), releases: others(one.unit, one.releases) }));

function compare(list: readonly Instruction[]): void {
  const { stamps, left } = dense(list);
  const found: Stamps = new Map();
  const run = () =>
    runTokenPrograms([program(list)], (_program, index, start, end) => void found.set(index, [start, end]));
  if (left > 0) expect(messageOf(run)).toMatch(/^error\[PAP010\] units of the token machine wait/);
  else {
    const { totalMilliseconds, busyMilliseconds, instructions } = run();
    expect(totalMilliseconds).toBe(Math.max(0, ...[...stamps.values()].map(([, end]) => end)));
    for (const [i, name] of unitNames.entries()) {
      const own = list.filter((one) => one.unit === 1 << i);
      expect(instructions[name]).toBe(own.length);
      expect(busyMilliseconds[name]).toBe(own.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
    }
  }
  expect([...found].sort(([a], [b]) => a - b)).toEqual([...stamps].sort(([a], [b]) => a - b));
}

describe('a unit starts an instruction when it is free and every awaited token is there', () => {
  it('as in a simulation of every cycle, on programs that often wait', () => {
    fc.assert(fc.property(fc.array(instruction, { maxLength: 12 }), compare), { numRuns: 300 });
  });

  it('and on longer ones that mostly run through', () => {
    fc.assert(fc.property(fc.array(sparse, { maxLength: 60 }), compare), { numRuns: 300 });
  });

  it('whatever the order in which the program lists the units', () => {
    fc.assert(
      fc.property(
        fc.array(sparse, { maxLength: 40 }),
        fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
        (list, seeds) => {
          const queues = unitNames.map((_, i) => list.filter((one) => one.unit === 1 << i));
          const shuffled = seeds.flatMap((seed) => {
            const rest = queues.filter(({ length }) => length > 0);
            return rest.length === 0 ? [] : [(rest[seed % rest.length] as Instruction[]).shift() as Instruction];
          });
          const outcome = (instructions: readonly Instruction[]) => {
            try {
              return runTokenPrograms([program(instructions)]);
            } catch (error) {
              return (error as Error).message;
            }
          };
          expect(outcome(shuffled)).toEqual(outcome(list));
        },
      ),
    );
  });

  it('in programs that follow each other as in one', () => {
    const loads = program([{ unit: LD, milliseconds: 3, waits: MV, releases: 0 }]);
    const works = program([
      { unit: MV, milliseconds: 2, waits: 0, releases: LD },
      { unit: MV, milliseconds: 2, waits: 0, releases: LD },
    ]);
    const run = runTokenPrograms([loads, works, loads]);
    expect(run.totalMilliseconds).toBe(8);
    expect(run.instructions.LD).toBe(2);
  });
});

it('units that wait for ever are named', () => {
  const list = [
    { unit: LD, milliseconds: 1, waits: MV | ST, releases: 0 },
    { unit: MV, milliseconds: 1, waits: LD, releases: LD },
  ];
  expect(messageOf(() => runTokenPrograms([program(list)]))).toBe(
    'error[PAP010] units of the token machine wait for tokens that never come: LD waits for ST and MV, MV waits for LD',
  );
});
