import { compile } from 'verilator-wasm';
import { expect, it } from 'vitest';
import {
  parseTestFloat,
  runVectors,
  testFloatBench,
  testFloatOperation,
  testFloatOperations,
  testFloatTop,
  type VectorSimulation,
} from '../../../src/cosim/testFloat.ts';
import { describeVerilog } from '../../describeWith.ts';
import { renderLibrary } from './library.ts';

/** A few cases of each operation, worked out by hand; flags as TestFloat writes them. */
const cases: Record<string, string> = {
  // 1 + 1; 1 + 2^-24 (a tie, to even); smallest subnormal + itself; ∞ − ∞ with the NaN of an x86; −0 + −0
  f32_add:
    '3F800000 3F800000 40000000 00\n3F800000 33800000 3F800000 01\n00000001 00000001 00000002 00\n' +
    '7F800000 FF800000 FFC00000 10\n80000000 80000000 80000000 00\n',
  f32_sub: '3F800000 3F800000 00000000 00\n00800000 00000001 007FFFFF 00\n',
  // 1.5 · 1.5; overflow; half of the smallest subnormal is a tie, to even
  f32_mul: '3FC00000 3FC00000 40100000 00\n7F7FFFFF 40000000 7F800000 05\n00000001 3F000000 00000000 03\n',
  f32_lt: '80000000 00000000 0 00\nBF800000 3F800000 1 00\n7FC00000 3F800000 0 10\n',
  f32_lt_quiet: '3F800000 40000000 1 00\n',
  f16_add: '3C00 3C00 4000 00\n7BFF 7BFF 7C00 05\n',
  f16_sub: '3C00 3C00 0000 00\n',
  f16_mul: '3E00 3E00 4080 00\n',
  f16_lt: '3C00 4000 1 00\n',
  f16_lt_quiet: '4000 3C00 0 00\n',
  // 2^24 + 1 is a tie; the smallest integer
  i32_to_f32: '01000001 4B800000 01\n80000000 CF000000 00\nFFFFFFFF BF800000 00\n',
  i32_to_f16: '0000FFF0 7C00 05\n00000001 3C00 00\n',
  // 2.5 and 3.5 are ties; 2^31 has no integer: left out
  f32_to_i32: '40200000 00000002 01\n40600000 00000004 01\n4F000000 7FFFFFFF 10\nBF800000 FFFFFFFF 00\n',
  f16_to_i32: '3C00 00000001 00\n7E00 7FFFFFFF 10\nFBFF FFFF0020 00\n',
  f16_to_f32: '0001 33800000 00\nFC00 FF800000 00\n',
  f32_to_f16: '477FF000 7C00 05\n33000000 0000 03\n33000001 0001 03\n',
};

async function simulate(name: string, latency: number): Promise<VectorSimulation> {
  const bench = { name: `${testFloatTop}.sv`, text: testFloatBench(testFloatOperation(name), latency) };
  return (await compile({ files: [...renderLibrary(), bench], top: testFloatTop })).instantiate();
}

describeVerilog('TestFloat vectors', { timeout: 120_000 }, () => {
  it('every operation has cases here', () => {
    expect(Object.keys(cases).sort()).toEqual([...testFloatOperations.keys()].sort());
  });

  it('are equal on the Verilog', async () => {
    for (const [name, text] of Object.entries(cases)) {
      const vectors = parseTestFloat(testFloatOperation(name), text, 'cases');
      const report = runVectors(await simulate(name, 3), vectors, 3);
      expect({ name, first: report.first }).toEqual({ name, first: [] });
      const invalid = name.endsWith('_to_i32') ? 1 : 0;
      expect(report).toMatchObject({ skipped: invalid, compared: vectors.lines.length - invalid, mismatches: 0 });
    }
  });

  it('a wrong result is reported with its line', async () => {
    const vectors = parseTestFloat(
      testFloatOperation('f32_add'),
      '3F800000 3F800000 40000000 00\n\n3F800000 3F800000 40000001 01\n',
      'cases',
    );
    expect(runVectors(await simulate('f32_add', 2), vectors, 2)).toEqual({
      compared: 2,
      skipped: 0,
      mismatches: 1,
      first: [{ line: 3, a: 0x3f80_0000, b: 0x3f80_0000, got: 0x4000_0000, expected: 0x4000_0001 }],
    });
  });

  it.each([
    [
      'f32_add',
      '3F800000 40000000 00',
      'error[COSIM021] v.txt:1 3 words, not the 4 of f32_add (a line is 2 operands, result, flags)',
    ],
    ['f32_to_f16', '3F800000 3C00 00\n3F8 3C00 00', 'error[COSIM021] v.txt:2 "3F8" is not 8 hexadecimal digits'],
    ['f32_to_f16', '3F80000G 3C00 00', 'error[COSIM021] v.txt:1 "3F80000G" is not 8 hexadecimal digits'],
    ['f32_to_f16', '3F800000 3C00 20', 'error[COSIM021] v.txt:1 "20" is not a byte of flags'],
    ['f16_lt', '3C00 4000 2 00', 'error[COSIM021] v.txt:1 "2" is not 0 or 1'],
    ['f16_lt', ' \n', 'error[COSIM021] v.txt no vectors'],
  ])('refuses %s %j', (name, text, message) => {
    expect(() => parseTestFloat(testFloatOperation(name), text, 'v.txt')).toThrow(message);
  });

  it('names the operations that there are', () => {
    expect(() => testFloatOperation('f32_div')).toThrow(
      /^error\[COSIM020\] the float library has no operation f32_div to test \(it has f16_add, /,
    );
  });
});
