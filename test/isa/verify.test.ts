import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/assembler/assemble.ts';
import { verifyProgram } from '../../src/isa/verify.ts';
import { hardware } from '../hw/models.ts';

const hw = hardware('kv260', 'vector.lanes=16', 'vector.activationElements=131072', 'memory.capacityBytes=4294967296');

function verify(text: string): string[] {
  const { instructions, segments, labels } = assemble(text, 'p.lasm', { hw });
  return verifyProgram(instructions, hw, segments, { labels, file: 'p.lasm' }).map(
    ({ code, message }) => `${code} ${message}`,
  );
}

/** The faults of a program, one message each. */
function faults(text: string): string[] {
  try {
    verify(text);
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
}

test('a sound program has no faults and no warnings', () => {
  expect(
    verify(`
.data x
    .f32 repeat(16, 1)
.reserve y, 64
    dma.load act, float32, 0, x, 16, 1, 0, 0 @post(vector)
    vector.add 0, 0, 0, 1, 16, 16 @wait(dma) @post(dma)
    dma.store act, float32, 0, y, 16, 1, 0, 0 @wait(vector)
    halt`),
  ).toEqual([]);
});

describe('faults', () => {
  test.each<[string, string, string]>([
    [
      'an operand rule',
      'start: halt\n vector.add 0, 8, 0, 1, 16, 16\n halt',
      'error[VFY001] p.lasm instruction 1 (start + 1) vector.add dst=0, a=8, b=0, rows=1, elements=16, pitch=16: a 8 is not a multiple of vector.lanes (16) (docs/isa.md, rules)',
    ],
    [
      'a buffer’s end',
      'sampler.scan 131071, 2, 0\n halt',
      'error[VFY002] p.lasm instruction 0 sampler.scan src=131071, elements=2, firstToken=0: reads act 131071…131072, but act has 131072 elements',
    ],
    [
      'a buffer’s end, length in a register',
      'sampler.scan 131072, r1, 0\n halt',
      'error[VFY002] p.lasm instruction 0 sampler.scan src=131072, elements=r1, firstToken=0: reads act from 131072, but act has 131072 elements',
    ],
    [
      'memory outside of every segment',
      'ld r1, 64\n halt',
      'error[VFY003] p.lasm instruction 0 ld r1, 0x40: reads memory 64…67, where no segment is (declare it with .data, .reserve or .command)',
    ],
    [
      'memory beyond a segment',
      '.reserve y = 64, 64\n dma.load act, float32, 0, y, 17, 1, 0, 0\n halt',
      'error[VFY003] p.lasm instruction 0 dma.load space=act, format=float32, local=0, remote=0x40, elements=17, rows=1, remoteStride=0, localPitch=0: memory 64…131 leaves segment y, which ends at 128',
    ],
    [
      'a write to constants',
      '.data x = 64\n .f32 1\n dma.store act, float32, 0, x, 1, 1, 0, 0\n halt',
      'error[VFY004] p.lasm instruction 0 dma.store space=act, format=float32, local=0, remote=0x40, elements=1, rows=1, remoteStride=0, localPitch=0: writes memory 64…67, constants of segment x (write to a .reserve)',
    ],
    [
      'a unit that waits for itself',
      'dma.sync @wait(dma)\n halt',
      'error[VFY005] p.lasm instruction 0 dma.sync @wait(dma): dma cannot wait for itself or post to itself (a unit runs in order anyway)',
    ],
    [
      'a target behind the program',
      'jmp 3\n halt',
      'error[VFY006] p.lasm instruction 0 jmp 3: target 3 is behind the last instruction, 1',
    ],
    [
      'the end of the program',
      'again: halt\n loop r1, again',
      'error[VFY007] p.lasm instruction 1 (again + 1) loop r1, 0: the program may run past its last instruction (end with halt or jmp)',
    ],
    [
      'a wait without a post',
      'vector.sync @wait(dma)\n vector.sync @wait(dma)\n halt',
      'error[VFY008] p.lasm instruction 0 vector.sync @wait(dma): waits for dma → vector, which nothing posts',
    ],
    [
      'attend without configure',
      'attention.attend 0, 0, 0, 1, 0, 1\n halt',
      'error[VFY009] p.lasm instruction 0 attention.attend keys=0, values=0, firstPosition=0, count=1, queryPosition=0, rows=1: no attention.configure comes before it',
    ],
    [
      'more memory than there is',
      '.reserve y = 0x100000000 - 64, 128\n halt',
      'error[VFY011] p.lasm segment y ends at 4294967360, but memory has 4294967296 bytes (see memory.capacityBytes)',
    ],
  ])('%s', (_, text, message) => {
    expect(faults(text)).toEqual([message]);
  });

  test('a program without instructions', () => {
    expect(() => verifyProgram([], hw, [])).toThrow('error[VFY010] the program has no instructions');
  });

  test('the configured shape bounds attend, if there is only one', () => {
    const configure = (heads: number) => `attention.configure ${heads}, ${heads}, 64, 0, 0, 0.125, 0, 130944\n`;
    const attend = 'attention.attend 0, 0, 0, 1, 0, 1, first|last\n halt';
    expect(faults(configure(2) + attend)).toEqual([]);
    expect(faults(configure(3) + attend)[0]).toContain('writes act 130944…131135');
    expect(faults(configure(3) + configure(2) + attend)).toEqual([]);
  });

  test('all of them at once', () => {
    const found = faults('ld r1, 64\n jmp 9\n dma.sync @wait(vector)');
    expect(found.map((text) => text.slice(6, 12))).toEqual(['VFY003', 'VFY006', 'VFY007', 'VFY008']);
  });
});

test('what is only odd is a warning', () => {
  expect(verify('x: vector.sync @post(dma)\n jmp x')).toEqual([
    'VFY021 the program has no halt',
    'VFY020 instruction 0 (x) vector.sync @post(dma): posts vector → dma, for which nothing waits',
  ]);
});
