import { describe, expect, it } from 'vitest';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, codeBytes, programImage } from '../../src/isa/index.ts';
import type { EdgeOptions, Windows } from '../../src/machine/kernel/edge.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import type { MemoryHooks } from '../../src/machine/units/memory.ts';
import { hardware } from './harness.ts';
import { Random } from './random/source.ts';
import { type RandomProgram, withSeed } from './randomProgram.ts';

interface Run {
  readonly machine: Machine;
  readonly events: string[];
  readonly bursts: { port: number; write: boolean; address: number; issued: number; finished: number }[];
}

type Modes = Partial<MachineOptions>;

/** Loads a program, as a host does into memory in which nothing is constant; `words` are put over the code, by number. */
function load(
  source: string,
  hw: HardwareModel,
  modes: Modes = {},
  command: readonly number[] = [],
  words: ReadonlyMap<number, number> = new Map(),
): Run {
  const events: string[] = [];
  const bursts: Run['bursts'] = [];
  const image = programImage(assemble(source, 'test.lasm', { hw }), hw);
  const bare = modes.edge ? { ...image, code: [], segments: [] } : image;
  const memory: MemoryHooks = {
    ...modes.memory,
    observe: (port, _user, write, address, _bytes, issued, _first, _last, finished) =>
      bursts.push({ port, write, address, issued, finished }),
  };
  const machine = new Machine(bare, hw, {
    values: true,
    dense: false,
    cycleLimit: 1_000_000,
    ...modes,
    memory,
    trace: {
      instruction: (...event) => events.push(JSON.stringify(event)),
      token: (event) => events.push(JSON.stringify(event)),
    },
  });
  if (modes.edge) {
    machine.store.write(image.codeAddress, codeBytes(image));
    for (const { address, bytes, data } of image.segments) if (data) machine.store.write(address, data.read(0, bytes));
  }
  machine.store.write(0, new Uint8Array(Uint32Array.from(command).buffer));
  for (const [at, word] of words) {
    machine.store.write(image.codeAddress + 4 * at, new Uint8Array(Uint32Array.of(word).buffer));
  }
  return { machine, events, bursts };
}

function run(source: string, hw: HardwareModel, edge: EdgeOptions | undefined, modes: Modes = {}): Run {
  const loaded = load(source, hw, { ...modes, ...(edge && { edge }) });
  while (!loaded.machine.advance(100_000));
  return loaded;
}

/** An instruction a cycle, memory that answers five cycles after it was asked. */
const hw = hardware('tiny', 'memory.kind=fixed', 'memory.latencyCycles=5', 'frontEnd.cyclesPerInstruction=2');

const everything: Windows = { memoryLast: hw.memory.capacityBytes - 1, writeFirst: 0, writeLast: 2 ** 32 - 1 };

const copy = `
.command 4
.reserve here, 64
.reserve there, 64
dma.load space=act, format=float32, local=0, remote=here, elements=16, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
sync @wait(dma)
dma.store space=act, format=float32, local=0, remote=there, elements=16, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
sync @wait(dma)
emit 7
halt
`;

/** A token that is overdue: memory takes a million cycles for burst `number`. */
const hangs = (number: number): MemoryHooks => ({
  extraLatency: (_port, burst) => (burst === number ? 1_000_000 : 0),
});
const answers = (number: number, beat: number, response: number) => (_port: number, burst: number, at: number) =>
  burst === number && at === beat ? response : 0;
const nobody = { unit: 0, port: 0, response: 0, address: 0 };
const dma = 1;

describe('the edge of the machine', () => {
  it('changes nothing where nothing happens', () => {
    const free = run(copy, hw, undefined);
    const guarded = run(copy, hw, { windows: everything, watchdog: 1, response: () => 0, stopAt: 1_000_000 });
    expect(guarded.machine.stopped).toBeUndefined();
    expect(guarded.machine.halted).toBe(true);
    expect(guarded.machine.cycle).toBe(142);
    expect(guarded.events).toEqual(free.events);
    expect(guarded.bursts).toEqual(free.bursts);
    expect(accountOf(guarded)).toEqual(accountOf(free));
    // What the stops below hit: the load, the store, and the lines before and behind the token.
    expect(free.bursts.map(({ address, issued, finished }) => [address, issued, finished])).toEqual([
      [8192, 1, 13],
      [8224, 17, 29],
      [4096, 30, 50],
      [8256, 57, 69],
      [8288, 73, 85],
      [4160, 86, 107],
      [8320, 111, 123],
      [8352, 127, 139],
    ]);
  });

  it.each([
    ['in the first beat', 0, 2, 35],
    ['in the last beat', 15, 3, 50],
    // Nobody asks for exclusive access.
    ['that says EXOKAY', 7, 1, 42],
  ])('stops two cycles after a read error %s', (_, beat, response, cycle) => {
    const { machine } = run(copy, hw, { response: answers(2, beat, response) });
    expect(machine.stopped).toEqual({ ...nobody, cause: 'readError', unit: dma, response, cycle });
    expect(machine.halted).toBe(false);
    expect(machine.cycle).toBe(cycle + 2);
    expect(machine.advance(1000)).toBe(true);
    expect(machine.cycle).toBe(cycle + 2);
  });

  it('stops two cycles after memory has answered a write with an error', () => {
    const { machine } = run(copy, hw, { response: answers(5, 0, 3) });
    expect(machine.stopped).toEqual({ ...nobody, cause: 'writeError', unit: dma, response: 3, cycle: 107 });
    expect(machine.cycle).toBe(109);
  });

  it('never issues a burst that leaves its window, and writes nothing of it', () => {
    const before = { windows: { ...everything, writeLast: 0 } };
    const behind = { windows: { ...everything, writeFirst: 8192 } };
    for (const edge of [before, behind]) {
      const { machine, bursts } = run(copy, hw, edge);
      expect(machine.stopped).toEqual({ ...nobody, cause: 'writeWindow', unit: dma, address: 4160, cycle: 86 });
      expect(machine.cycle).toBe(88);
      expect(bursts.map(({ address }) => address)).not.toContain(4160);
      expect([...machine.store.read(4160, 64)]).toEqual(new Array(64).fill(0));
    }
    const inside = run(copy, hw, { windows: { memoryLast: 8192, writeFirst: 4096, writeLast: 4096 } });
    expect(inside.machine.halted).toBe(true);
    const { machine, bursts } = run(copy, hw, { windows: { ...everything, memoryLast: 8191 } });
    expect(machine.stopped).toEqual({ ...nobody, cause: 'readWindow', address: 8192, cycle: 1 });
    expect(bursts).toEqual([]);
  });

  it('stops when a token is overdue, counted from the start and from the last one', () => {
    const none = run(copy, hw, { watchdog: 2 }, { memory: hangs(3) });
    expect(none.machine.stopped).toEqual({ ...nobody, cause: 'watchdog', cycle: 2047 });
    expect(none.machine.cycle).toBe(2049);
    const one = run(copy, hw, { watchdog: 1 }, { memory: hangs(7) });
    expect(one.machine.stopped).toEqual({ ...nobody, cause: 'watchdog', cycle: 125 + 1024 });
    const patient = run(copy, hw, { watchdog: 0 }, { memory: hangs(7), cycleLimit: 2_000_000 });
    expect(patient.machine.halted).toBe(true);
  });

  it('takes a token in the last moment', () => {
    const wait = (turns: number) => `li r1, ${turns}\nwait:\nloop r1, wait\nemit 1\nhalt\n`;
    const emitted = (source: string) => run(source, hw, { watchdog: 1 });
    const free = (turns: number) => Number(/"cycle":(\d+)/.exec(run(wait(turns), hw, undefined).events[0] ?? '')?.[1]);
    // Two cycles a turn, and one more for a branch.
    const turns = Array.from({ length: 400 }, (_, count) => count + 1).findLast(
      (count) => free(count) <= 1023,
    ) as number;
    expect(emitted(wait(turns)).machine.halted).toBe(true);
    expect(emitted(wait(turns + 1)).machine.stopped).toMatchObject({ cause: 'watchdog', cycle: 1023 });
  });

  it('ends a deadlock by its watchdog, and without one says who waits for whom', () => {
    expect(run('vector.sync @wait(dma)\nhalt\n', hw, { watchdog: 1 }).machine.stopped?.cause).toBe('watchdog');
    expect(() => run('vector.sync @wait(dma)\nhalt\n', hw, { watchdog: 0 })).toThrow(/^error\[MCH001\]/);
  });

  it('stops when the host says so, unless the program halts before', () => {
    expect(run(copy, hw, { stopAt: 60 }).machine.stopped).toEqual({ ...nobody, cause: 'softReset', cycle: 60 });
    const late = run(copy, hw, { stopAt: 141 }).machine;
    expect([late.halted, late.stopped, late.cycle]).toEqual([true, undefined, 142]);
    // Both at once.
    const just = run(copy, hw, { stopAt: 140 }).machine;
    expect([just.halted, just.stopped?.cause, just.cycle]).toEqual([false, 'softReset', 142]);
  });

  it('reports the first of several causes', () => {
    const edge = { response: answers(2, 3, 2), watchdog: 1, windows: { ...everything, writeLast: 0 }, stopAt: 1000 };
    expect(run(copy, hw, edge).machine.stopped?.cause).toBe('readError');
    expect(run(copy, hw, { ...edge, stopAt: 20 }).machine.stopped?.cause).toBe('softReset');
    // Of one cycle: what memory says comes first.
    expect(run(copy, hw, { ...edge, stopAt: 38 }).machine.stopped?.cause).toBe('readError');
    const bite = { watchdog: 1, stopAt: 1023 };
    expect(run(copy, hw, bite, { memory: hangs(3) }).machine.stopped?.cause).toBe('watchdog');
  });
});

describe('a machine with an edge executes what lies in memory', () => {
  const end = (words: readonly (readonly [number, number])[], edge: EdgeOptions = { windows: everything }) => {
    const loaded = load(copy, hw, { edge }, [], new Map(words));
    while (!loaded.machine.advance(100_000));
    return loaded;
  };

  it('stops at an illegal opcode in the cycle in which it executes', () => {
    const { machine } = end([[8 * 3, 0xff]]);
    const unit = { ...nobody, address: 8192 + 3 * 32 };
    // In place of a sync that would have waited for the store: the word is there in 86.
    expect(machine.stopped).toEqual({ ...unit, cause: 'illegalInstruction', cycle: 87 });
    expect(machine.cycle).toBe(89);
    // In place of a jump around it nobody minds.
    expect(end([[8 * 6, 0xff]]).machine.halted).toBe(true);
  });

  it('executes another legal instruction', () => {
    // emit 8
    expect(end([[8 * 4 + 1, 8]]).events).toContain('{"token":8,"cycle":125}');
  });

  it('stops at the end of its program if there is no halt, and at the end of memory', () => {
    expect(run('emit 1\n', hw, { windows: everything }).machine.stopped?.cause).toBe('illegalInstruction');
    expect(() => run('emit 1\n', hw, undefined)).toThrow(/^error\[MCH007\]/);
    const away = 'jmp 100000000\n';
    const { machine } = run(away, hw, { windows: everything });
    expect(machine.stopped).toMatchObject({ cause: 'readWindow', unit: 0, address: (4096 + 3_200_000_000) % 2 ** 32 });
  });

  it.each([
    ['with bits that nobody claims', [8 * 3 + 7, 1], 'ISA012'],
    ['with operands that no instruction may have', [8 * 0 + 1, 0xffff_ffff], 'ISA014'],
    ['that moves more than there is', [8 * 0 + 4, 0x00ff_ffff], 'MCH006'],
  ] as const)('gives up at an instruction %s', (_, change, code) => {
    expect(() => end([change])).toThrow(new RegExp(`^error\\[${code}\\]`));
  });

  it('gives up where a program changes its own code', () => {
    const source = copy.replace('remote=there', 'remote=8192').replace('emit 7', 'jmp 0');
    const small = hardware('tiny', 'frontEnd.cacheLines=2');
    expect(() => run(source, small, { windows: everything })).toThrow(/^error\[MCH011\]/);
  });
});

/** Faults for a run that takes so many cycles and has these bursts without any. */
function randomEdge(random: Random, { machine, bursts }: Run, hw: HardwareModel): EdgeOptions & { hang?: number } {
  const { cycle } = machine;
  const some = random.integer(0, Math.max(0, bursts.length - 1));
  const at = random.pick(bursts);
  switch (random.integer(0, 5)) {
    case 0:
      return { stopAt: random.integer(0, cycle + 3) };
    case 1: {
      const { port: at, issued } = random.pick(bursts.filter(({ write }) => write));
      const number = bursts.filter(({ port, issued: before }) => port === at && before < issued).length;
      return { response: (port, burst) => (port === at && burst === number ? 2 : 0) };
    }
    case 2:
      return { response: (port, burst) => ((burst * 7 + port) % (some + 1) === some ? 3 : 0) };
    case 3:
      return { windows: { memoryLast: at.address, writeFirst: 0, writeLast: hw.memory.capacityBytes } };
    case 4:
      return { windows: { memoryLast: 2 ** 32 - 1, writeFirst: 0, writeLast: at.address } };
    default:
      return { watchdog: random.integer(1, 3), hang: some };
  }
}

function accountOf({ machine }: Run) {
  return {
    cycles: machine.cycle,
    halted: machine.halted,
    stopped: machine.stopped,
    instructions: machine.instructions,
    units: machine.counters.snapshot(machine.cycle),
    memory: machine.memory.statistics,
  };
}

describe('random faults', () => {
  const ends = new Map<string, number>();
  const go = (program: RandomProgram, hw: HardwareModel, modes: Modes) => {
    const loaded = load(program.source, hw, modes, program.commandWords);
    while (!loaded.machine.advance(100_000));
    return loaded;
  };

  it('end a run the same whether every unit is evaluated in every cycle, or only where something happens', () => {
    for (let seed = 5000; seed < 5040; seed++) {
      withSeed(seed, (program, hw) => {
        const { hang, ...edge } = randomEdge(new Random(seed), go(program, hw, {}), hw);
        const memory = hang === undefined ? {} : hangs(hang);
        const sparse = go(program, hw, { edge, memory });
        const dense = go(program, hw, { edge, memory, dense: true });
        expect(accountOf(dense)).toEqual(accountOf(sparse));
        expect(dense.events).toEqual(sparse.events);
        const classes = Object.values(accountOf(sparse).units);
        for (const counts of classes) {
          expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(sparse.machine.cycle);
        }
        const { stopped } = sparse.machine;
        if (stopped) expect(sparse.machine.cycle).toBe(stopped.cycle + 2);
        const end = stopped?.cause ?? 'halted';
        ends.set(end, (ends.get(end) ?? 0) + 1);
      });
    }
  });

  it('end it in all ways', () => {
    expect([...ends.keys()].sort()).toEqual(
      ['halted', 'readError', 'readWindow', 'softReset', 'watchdog', 'writeError', 'writeWindow'].sort(),
    );
  });

  it('are part of what can be saved', () => {
    for (let seed = 5200; seed < 5212; seed++) {
      withSeed(seed, (program, hw) => {
        const { hang, ...edge } = randomEdge(new Random(seed), go(program, hw, {}), hw);
        const first = load(
          program.source,
          hw,
          { edge, memory: hang === undefined ? {} : hangs(hang) },
          program.commandWords,
        );
        first.machine.advance(20);
        const saved = first.machine.save();
        while (!first.machine.advance(1));
        const whole = accountOf(first);
        first.machine.restore(saved);
        while (!first.machine.advance(1));
        expect(accountOf(first)).toEqual(whole);
      });
    }
  });
});
