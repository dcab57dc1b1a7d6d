import { describe, expect, it } from 'vitest';
import { hardware, messageOf } from '../hw/models.ts';
import { runAssembly } from './harness.ts';

// An instruction every second cycle: the cycles below follow from it.
const hw = hardware('kv260', 'memory.kind=ideal', 'frontEnd.cyclesPerInstruction=2');
const hint = '(every wait needs a post that comes before it)';

/** The message of a program that fails, the same in both modes of the simulator. */
function failure(source: string): string {
  const [sparse, dense] = [false, true].map((mode) => messageOf(() => runAssembly(source, hw, { dense: mode })));
  expect(dense).toBe(sparse);
  return sparse as string;
}

describe('a deadlock says who waits for whom', () => {
  it('a wait without a post', () => {
    expect(failure('vector.sync @wait(dma)\nhalt')).toBe(
      `error[MCH001] deadlock in cycle 9: frontEnd (halt, instruction 1) waits for all units to finish; vector (vector.sync, instruction 0) waits for a post of dma; dma has nothing to do ${hint}`,
    );
  });

  it('two units that wait for each other', () => {
    expect(failure('vector.sync @wait(dma) @post(dma)\ndma.sync @wait(vector) @post(vector)\nhalt')).toBe(
      `error[MCH001] deadlock in cycle 17: frontEnd (halt, instruction 2) waits for all units to finish; dma (dma.sync, instruction 1) waits for a post of vector; vector (vector.sync, instruction 0) waits for a post of dma; which closes the circle at dma ${hint}`,
    );
  });

  it('the front end waits for a post', () => {
    expect(failure('sync @wait(dma)\nhalt')).toBe(
      `error[MCH001] deadlock in cycle 7: frontEnd (sync, instruction 0) waits for a post of dma; dma has nothing to do ${hint}`,
    );
  });

  it('the front end and a unit wait for each other', () => {
    expect(failure('dma.sync @wait(frontEnd)\nsync @wait(dma)\nhalt')).toBe(
      `error[MCH001] deadlock in cycle 9: frontEnd (sync, instruction 1) waits for a post of dma; dma (dma.sync, instruction 0) waits for a post of frontEnd; which closes the circle at frontEnd ${hint}`,
    );
  });

  it('a pick for which the mailbox has no room', () => {
    const pick = 'sampler.scan src=0, elements=1, firstToken=0\nsampler.pick\n';
    const source = `sampler.begin temperature=0, topK=1, seed=0, step=0\n${pick.repeat(5)}halt`;
    expect(failure(source)).toContain(
      'sampler (sampler.pick, instruction 10) waits for frontEnd to make room; which closes the circle at frontEnd',
    );
  });

  it('a receive without a pick', () => {
    expect(failure('recv r1\nhalt')).toBe(
      `error[MCH001] deadlock in cycle 7: frontEnd (recv, instruction 0) waits for a pick of sampler; sampler has nothing to do ${hint}`,
    );
  });

  it('a queue that never empties', () => {
    const { queueDepth } = hw.vector;
    expect(failure(`vector.sync @wait(dma)\n${'vector.sync\n'.repeat(queueDepth)}halt`)).toMatch(
      new RegExp(
        `^error\\[MCH001\\] deadlock in cycle \\d+: frontEnd \\(vector\\.sync, instruction ${queueDepth}\\) waits for room in the queue of vector; vector \\(vector\\.sync, instruction 0\\) waits for a post of dma; dma has nothing to do `,
      ),
    );
  });
});

const memory = `
.data numbers = 0x1000
.f32 ramp(64, 0, 1)
.reserve result = 0x2000, 256
`;
const row = 'rows=1, remoteStride=0, localPitch=0';
const load = `dma.load space=act, format=float32, local=0, remote=numbers, elements=64, ${row}`;
const double = 'vector.add dst=64, a=0, b=0, rows=1, elements=64, pitch=64';
const store = `dma.store space=act, format=float32, local=64, remote=result, elements=64, ${row}`;

describe('a race names both instructions', () => {
  it('nothing is said where the semaphores are right', () => {
    const run = runAssembly(
      `${memory}${load} @post(vector)\n${double} @wait(dma) @post(dma)\n${store} @wait(vector)\nhalt`,
      hw,
    );
    expect(run.events).toHaveLength(3);
  });

  it('without the semaphore before the reader', () => {
    expect(failure(`${memory}${load}\n${double} @post(dma)\n${store} @wait(vector)\nhalt`)).toBe(
      'error[MCH003] race: nothing orders dma.load (instruction 0, writes act 0…63) before vector.add (instruction 1, reads act 0…63) (let dma post and vector wait)',
    );
  });

  it('without the semaphore behind the writer', () => {
    expect(failure(`${memory}${load} @post(vector)\n${double} @wait(dma)\n${store}\nhalt`)).toBe(
      'error[MCH003] race: nothing orders dma.store (instruction 2, reads act 64…127) before vector.add (instruction 1, writes act 64…127) (let dma post and vector wait)',
    );
  });

  it('a write over what another unit still reads', () => {
    expect(failure(`${memory}${double}\n${load}\nhalt`)).toBe(
      'error[MCH003] race: nothing orders vector.add (instruction 0, reads act 0…63) before dma.load (instruction 1, writes act 0…63) (let vector post and dma wait)',
    );
  });

  it('a word that the front end loads while it is written', () => {
    expect(failure(`${memory}${store}\nld r1, result+4\nhalt`)).toBe(
      'error[MCH003] race: nothing orders dma.store (instruction 0, writes ddr 8192…8447) before ld (instruction 1, reads ddr 8196…8199) (let dma post and frontEnd wait)',
    );
    // The store after the load needs no semaphore: the front end had the word before it issued the store.
    runAssembly(`${memory}${store} @post(frontEnd)\nld r1, result+4 @wait(dma)\n${store}\nhalt`, hw);
  });

  it('the front end’s own wait orders what it issues later', () => {
    runAssembly(
      `${memory}${load} @post(frontEnd)\nsync @wait(dma)\n${double} @post(dma)\n${store} @wait(vector)\nhalt`,
      hw,
    );
  });
});

describe('a semaphore', () => {
  const posts = (count: number) => `li r1, ${count}\nagain: sync @post(dma)\nloop r1, again\nhalt`;

  it('counts to 255', () => {
    expect(runAssembly(posts(255), hw).machine.halted).toBe(true);
  });

  it('is not posted once more', () => {
    expect(failure(posts(256))).toBe(
      'error[MCH004] semaphore frontEnd → dma counts past 255 (post only where the other unit waits)',
    );
  });
});
