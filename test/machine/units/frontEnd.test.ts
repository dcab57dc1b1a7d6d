import { describe, expect, it } from 'vitest';
import { hardware, integersAt, runAssembly } from '../harness.ts';

/** One cycle per fetch from memory, so that only the front end’s own time is left. */
const hw = hardware('kv260', 'memory.kind=ideal');

/** A word at a time to memory is not a front-end instruction, so results leave as tokens. */
function emitted(source: string): number[] {
  return runAssembly(source, hw).tokens.map(({ token }) => token);
}

describe('front end', () => {
  it('computes in 32 bits', () => {
    expect(
      emitted(`
        li r1, -7
        li r2, 3
        add r3, r1, r2
        emit r3
        sub r3, r1, r2
        emit r3
        mul r3, r1, 0x10001
        emit r3
        min r3, r1, r2
        emit r3
        max r3, r1, r2+4
        emit r3
        and r3, r1, 0xff
        emit r3
        or r3, r2, 8
        emit r3
        shl r3, r2, 30
        emit r3
        shr r3, r1, 28
        emit r3
        halt`),
    ).toEqual([-4, -10, -7 * 0x10001, -7, 7, 249, 11, -1073741824, 15]);
  });

  it('branches and loops', () => {
    expect(
      emitted(`
          li r1, 3
        again:
          emit r1
          loop r1, again
          blt r1, -1, wrong
          bge r1, 1, wrong
          bne r1, 0, wrong
          beq r1, 0, right
        wrong:
          emit 99
        right:
          jmp end
          emit 98
        end:
          emit 7
          halt`),
    ).toEqual([3, 2, 1, 7]);
  });

  it('takes cyclesPerInstruction, and more for a taken branch, a multiplication and a cache miss', () => {
    const { cyclesPerInstruction, branchTakenCycles, multiplyCycles } = hw.frontEnd;
    const cycles = (source: string) => runAssembly(source, hw).tokens.map(({ cycle }) => cycle);
    // The four instructions are two cache lines; the first is missed before, the second by the second emit’s pair.
    const [a = 0, b = 0] = cycles('emit 1\nemit 2\nhalt');
    expect(b - a).toBe(cyclesPerInstruction);
    const [c = 0, d = 0] = cycles('li r1, 2\nnext: emit 1\nloop r1, next\nhalt');
    const [, , e = 0] = cycles('li r1, 3\nnext: emit 1\nloop r1, next\nhalt');
    expect(e - d).toBe(2 * cyclesPerInstruction + branchTakenCycles);
    expect(d - c).toBeGreaterThan(e - d);
    const [f = 0, g = 0] = cycles('emit 1\nsync\nemit 1\nemit 2\nhalt').slice(1);
    const [h = 0, i = 0] = cycles('emit 1\nsync\nmul r1, 2, 3\nemit 2\nhalt');
    expect(g - f).toBe(cyclesPerInstruction);
    expect(i - h - (g - cycles('emit 1\nsync\nemit 1\nemit 2\nhalt')[0]!)).toBe(multiplyCycles);
  });

  it('keeps lines in its cache: a loop fetches its code once', () => {
    const bytes = (rounds: number) =>
      runAssembly(`li r1, ${rounds}\nagain: sync\nloop r1, again\nhalt`, hw).machine.memory.statistics.bytesRead[0];
    expect(bytes(1000)).toBe(bytes(1));
  });

  it('loads words', () => {
    expect(
      emitted(`
        .data numbers = 0x1000
        .i32 5, -6, 7
          li r1, numbers
          ld r2, r1+4
          emit r2
          ld r3, r1+8
          emit r3
          halt`),
    ).toEqual([-6, 7]);
  });

  it('waits for room in a queue, and counts it', () => {
    const full = hardware('kv260', 'memory.kind=ideal', 'sampler.queueDepth=1');
    const scan = 'sampler.scan src=0, elements=256, firstToken=0\n';
    const run = runAssembly(`sampler.begin temperature=0, topK=1, seed=0, step=0\n${scan.repeat(4)}halt`, full);
    const third = run.stamps('sampler.scan', 2);
    const second = run.stamps('sampler.scan', 1);
    // There is room in the cycle after the queue’s only entry has started.
    expect(third.issued).toBe(second.started + 1);
    expect(run.machine.counters.snapshot(run.machine.cycle).frontEnd?.queueFull).toBeGreaterThan(400);
  });

  it('resolves registers with offsets at issue', () => {
    const run = runAssembly(
      `
      .data source = 0x1000
      .i8 ramp(64, 0, 1)
      .reserve target = 0x2000, 64
        li r4, source
        li r5, 3
        dma.load space=input, format=int8, local=r5+13, remote=r4+16, elements=16, rows=1, remoteStride=0, localPitch=16
        dma.store space=input, format=int8, local=16, remote=target, elements=16, rows=1, remoteStride=0, localPitch=16
        halt`,
      hw,
    );
    expect(integersAt(run.machine, 0x2000, 1)).toEqual([0x13121110]);
  });

  it('stops at the end of the code with a message', () => {
    expect(() => runAssembly('sync\nbeq r0, 0, over\nhalt\nover: sync', hw)).toThrow();
  });

  it('refuses an address that a register made odd', () => {
    expect(() => runAssembly('li r1, 6\nld r2, r1+0\nhalt', hw)).toThrow(
      'error[MCH006] instruction 1 (ld): address 6 is not a multiple of 4',
    );
  });

  it('stops at the cycle limit', () => {
    expect(() => runAssembly('again: jmp again', hw, { cycleLimit: 1000 })).toThrow(
      'error[MCH002] the program did not halt within 1000 cycles (raise --max-cycles, or look for a loop without end)',
    );
  });
});
