import { expect, it } from 'vitest';
import { faultRun } from '../../bench/faultRuns.ts';
import {
  FaultBench,
  type FaultRecord,
  type FaultRun,
  faultKinds,
  injectFaults,
  isBorne,
} from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, programImage, stopCauses } from '../../src/isa/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { verilogOf } from './harness.ts';

/** What a fault that lets no program through must end in. */
const mustEnd: Partial<Record<FaultRecord['kind'], readonly string[]>> = {
  'memory is missing': ['readError', 'writeError'],
  'error on a read': ['readError'],
  'error on a write': ['writeError'],
  'no data of a read': ['watchdog'],
  'no answer to a write': ['watchdog'],
  'other hardware': ['wrongProgram'],
  'other instruction set': ['wrongProgram'],
  'reset before the run': ['softReset'],
};

describeVerilog('random faults, machine and Verilog in lock step', () => {
  const ends = new Set<string>();
  let alone = 0;

  // A thousand of them: npx tsx bench/faults.ts.
  it.each([
    ['tiny', 2, 1],
    ['odd', 2, 1000],
    ['mid', 1, 2000],
  ])('end in a defined state, from which the next run is equal, on %s', async (model, times, firstSeed) => {
    const hw = hardware(model);
    const verilog = await verilogOf(hw);
    const count = times * faultKinds.length;
    const runOf = (number: number) => faultRun(hw, firstSeed + number);
    for (const record of injectFaults({ instantiate: () => verilog.instantiate(), runOf, count, firstSeed })) {
      const { kind, seed, outcome } = record;
      expect(isBorne(record), `seed ${seed}, ${kind}: ${JSON.stringify(record)}`).toBe(true);
      const wanted = mustEnd[kind];
      if (wanted) expect(wanted, `seed ${seed}, ${kind}`).toContain(outcome.end);
      ends.add(outcome.end);
      if (outcome.alone) alone += 1;
    }
  });

  it('end in every way', () => {
    const causes = stopCauses.map(({ name }) => name).filter((name) => name !== 'none');
    expect([...ends].sort()).toEqual(['halted', ...causes].sort());
    expect(alone).toBeGreaterThan(3);
  });
});

/** Every user of memory reads, and two write; the code comes first, so that a window can end behind it. */
const users = `
.command 4
.code 4096
.data numbers = 16384
    .f32 random(64, 1, -1.0, 1.0)
.data tiles = 20480
    .ternaryWords random(30, 2)
.reserve stored = 24576, 256
.reserve spilled = 28672, 256
ld r1, numbers
dma.load space=act, format=float32, local=0, remote=numbers, elements=16, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
sync @wait(dma)
dma.store space=act, format=float32, local=0, remote=stored, elements=16, rows=1, remoteStride=0, localPitch=0 @post(frontEnd)
sync @wait(dma)
kvStore.fill dst=0, src=numbers, bytes=64, rows=1, stride=0 @post(frontEnd)
sync @wait(kvStore)
kvStore.spill src=0, dst=spilled, bytes=64, rows=1, stride=0 @post(frontEnd)
sync @wait(kvStore)
weightBuffer.load dst=0, src=tiles, words=4, alphabet=ternary @post(frontEnd)
sync @wait(weightBuffer)
emit 5
halt
`;

function runOf(hw: HardwareModel, source: string): FaultRun {
  return { image: programImage(assemble(source, 'users.lasm', { hw }), hw), hw, command: new Uint8Array(16) };
}

describeVerilog('faults that are looked for', () => {
  const hw = hardware('tiny');
  const whole = runOf(hw, users);
  let bench: FaultBench | undefined;
  const fresh = async () => {
    bench ??= new FaultBench((await verilogOf(hw)).instantiate());
    return bench;
  };
  const equal = { difference: undefined, alone: undefined };

  const all = { memoryLast: hw.memory.capacityBytes - 1, writeFirst: 0, writeLast: hw.memory.capacityBytes - 1 };
  it.each([
    ['a load of the front end', users, { ...all, memoryLast: 4096 }, 'readWindow'],
    ['a load of dma', users.replace('ld r1, numbers', ''), { ...all, memoryLast: 12287 }, 'readWindow'],
    ['a store of dma, above', users, { ...all, writeLast: 20480 }, 'writeWindow'],
    ['a store of dma, below', users, { ...all, writeFirst: 28672 }, 'writeWindow'],
    ['a spill', users, { ...all, writeLast: 24576 }, 'writeWindow'],
    ['a spill, behind all memory', users, { ...all, memoryLast: 24576 }, 'writeWindow'],
    ['a load of weights', users.replace(/tiles = \d+/, 'tiles = 32768'), { ...all, memoryLast: 28672 }, 'readWindow'],
    ['a fill', users.replace(/ld r1.*|dma.*|sync @wait.dma.*/g, ''), { ...all, memoryLast: 8192 }, 'readWindow'],
    ['nothing at all', users, { memoryLast: 28672, writeFirst: 24576, writeLast: 28672 }, 'halted'],
  ] as const)('%s leaves its window', async (_, source, windows, end) => {
    const accelerator = await fresh();
    expect(accelerator.run({ ...runOf(hw, source), fault: { windows } })).toMatchObject({ ...equal, end });
    expect(accelerator.run(whole)).toMatchObject({ ...equal, end: 'halted' });
  });

  it('a stop in each of the first cycles and around the halt', async () => {
    const accelerator = await fresh();
    const short = runOf(hw, '.command 4\nemit 7\nhalt\n');
    const { cycles } = accelerator.run(short);
    const ends: string[] = [];
    for (let stopAt = 1; stopAt <= cycles + 2; stopAt++) {
      const outcome = accelerator.run({ ...short, fault: { stopAt } });
      expect(outcome, `stop in ${stopAt}`).toMatchObject(equal);
      expect(outcome.cycles).toBe(Math.min(cycles, stopAt + 2));
      ends.push(outcome.end);
    }
    // A stop that takes effect with the halt is one.
    expect(ends.filter((end) => end === 'softReset')).toHaveLength(cycles - 2);
    expect(ends.filter((end) => end === 'halted')).toHaveLength(4);
  });

  it('a watchdog that bites in the cycle of a token, and one before', async () => {
    const accelerator = await fresh();
    const program = (turns: number, padding: number) => {
      const pads = 'mark pass, 1\n'.repeat(padding);
      return runOf(hw, `.command 4\n${pads}li r1, ${turns}\nwait:\nloop r1, wait\nemit 1\nhalt\n`);
    };
    const [start, turn] = [1, 2].map((turns) => accelerator.run(program(turns, 0)).cycles) as [number, number];
    // Tokens at all distances from the start, so that some come in the last moment.
    const turns = Math.floor((1000 - start) / (turn - start));
    const seen = new Set<string>();
    for (let padding = 0; padding < 12; padding++) {
      const outcome = accelerator.run({ ...program(turns, padding), fault: { watchdog: 1 } });
      expect(outcome, `padding ${padding}`).toMatchObject(equal);
      seen.add(outcome.end);
    }
    expect([...seen].sort()).toEqual(['halted', 'watchdog']);
  });
});
