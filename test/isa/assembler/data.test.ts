import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFloat } from '../../../src/base/float.ts';
import { assemble } from '../../../src/isa/assembler/assemble.ts';
import { hardware, messageOf } from '../../hw/models.ts';

/** The bytes of one segment. */
function bytes(directives: string): number[] {
  const { segments } = assemble(`.data x\n${directives}\nhalt`, 'd.lasm');
  return [...(segments[0]?.data?.read(0, segments[0].bytes) ?? [])];
}

describe('elements', () => {
  test.each<[string, number[]]>([
    ['.i8 -128, 127, 1+1', [0x80, 0x7f, 2]],
    ['.u8 255', [255]],
    ['.i16 -2', [0xfe, 0xff]],
    ['.u16 0x1234', [0x34, 0x12]],
    ['.i32 -2', [0xfe, 0xff, 0xff, 0xff]],
    ['.u32 0x12345678', [0x78, 0x56, 0x34, 0x12]],
    ['.f32 1.5, -2', [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]],
    ['.f32 bits(0x7f800000)', [0, 0, 0x80, 0x7f]],
    ['.bf16 1.5', [0xc0, 0x3f]],
    ['.f16 1.5', [0, 0x3e]],
    // Ties go to even, down and up.
    ['.f16 1 + 1 / 2048f, 1 + 3 / 2048f', [0, 0x3c, 2, 0x3c]],
    ['.bf16 1 + 1 / 256f, 1 + 3 / 256f', [0x80, 0x3f, 0x82, 0x3f]],
    ['.i8 repeat(3, 7), 1', [7, 7, 7, 1]],
    ['.i8 ramp(4, 1, -2)', [1, 255, 253, 251]],
    ['.i8 1\n.align 4\n.i8 2\n.align 4', [1, 0, 0, 0, 2, 0, 0, 0]],
    // 1·81 + 1·27 + 1·9 + 1·3 + 1, then one digit and padding of weight 0.
    ['.trits repeat(5, 0)', [121]],
    ['.trits -1, 0, 1, 1, -1, 1', [0 * 81 + 1 * 27 + 2 * 9 + 2 * 3 + 0, 2 * 81 + 27 + 9 + 3 + 1]],
    ['.bits 1, 0, 1, 0, 0, 0, 0, 1, 1', [0x85, 1]],
  ])('%s', (text, expected) => {
    expect(bytes(text)).toEqual(expected);
  });

  test('16-bit floats are those of the machine', () => {
    const number = fc.oneof(
      fc.double({ noNaN: true }),
      fc.double({ min: -70000, max: 70000, noNaN: true }),
      fc.double({ min: -1e-7, max: 1e-7, noNaN: true }),
      fc.float({ noNaN: true }),
    );
    fc.assert(
      fc.property(number, (x) => {
        // Written with all digits, a float literal is exactly this double.
        const text = Number.isFinite(x)
          ? `${Object.is(x, -0) ? '-0' : x.toExponential()}`
          : x > 0
            ? 'bits(0x7f800000)'
            : 'bits(0xff800000)';
        const word = (directive: string) => {
          const [low, high] = bytes(`${directive} ${text === '-0' ? '-0f' : text}`);
          return (low as number) | ((high as number) << 8);
        };
        expect(word('.f16')).toBe(encodeFloat('float16', x));
        expect(word('.bf16')).toBe(encodeFloat('bfloat16', x));
      }),
      { numRuns: 300 },
    );
  });

  test('random elements depend on seed and position only, and fill their range', () => {
    const draw = bytes('.i8 random(1000, 7, -3, 3)').map((byte) => (byte << 24) >> 24);
    expect(bytes('.i8 random(10, 7, -3, 3)').map((byte) => (byte << 24) >> 24)).toEqual(draw.slice(0, 10));
    expect(bytes('.i8 random(10, 8, -3, 3)')).not.toEqual(bytes('.i8 random(10, 7, -3, 3)'));
    for (let value = -3; value <= 3; value++) {
      const count = draw.filter((drawn) => drawn === value).length;
      expect(count).toBeGreaterThan(90);
      expect(count).toBeLessThan(200);
    }
    const floats = new Float32Array(Uint8Array.from(bytes('.f32 random(1000, 1, 2, 4)')).buffer);
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...floats)).toBeLessThan(4);
  });
});

describe('segments', () => {
  test('addresses, reservations, the command block, the code behind everything', () => {
    const { segments, codeAddress, constants } = assemble(
      '.command 12\n.data a\n.i8 1\n.reserve b, 100\n.data c = 0x100\n.i8 2\n.data d\n.i8 3\nhalt',
      'd.lasm',
    );
    expect(segments.map(({ name, kind, address, bytes, data }) => [name, kind, address, bytes, data?.bytes])).toEqual([
      ['command', 'command', 0, 112, undefined],
      ['c', 'data', 256, 1, 1],
      ['a', 'data', 4096, 1, 1],
      ['b', 'data', 4160, 100, undefined],
      ['d', 'data', 4288, 1, 1],
    ]);
    expect(codeAddress).toBe(8192);
    expect(Object.fromEntries(constants)).toEqual({ command: 0, a: 4096, b: 4160, c: 256, d: 4288 });
    // Neighbours may touch.
    expect(assemble('.reserve e = 64, 64\n.reserve f = 128, 3968\n.code 4096\nhalt', 'd.lasm').segments).toHaveLength(
      2,
    );
    expect(assemble('.code 0x8000\nhalt', 'd.lasm').codeAddress).toBe(0x8000);
  });
});

describe('weight words', () => {
  const hw = hardware('odd');
  const contents = (text: string) => {
    const [segment] = assemble(`.data d = 64\n${text}\nhalt`, 'd.lasm', { hw }).segments;
    return segment?.data?.read(0, segment.bytes);
  };

  test('lines that follow each other are one tile, in slices of whole beats', () => {
    // Two words of five columns of six: slices of 18 and 12 digits, 4 bytes each, beats of 8.
    const tile = contents('.ternaryWords repeat(30, 1)\n.ternaryWords repeat(18, -1), repeat(12, 0)');
    expect(Array.from(tile ?? [])).toEqual([
      // Three digits and two of padding: 22211 and 00011 to the base 3.
      ...[242, 242, 242, 238, 0, 0, 0, 4],
      // Twelve digits and a column that does not exist.
      ...[242, 242, 229, 121, 121, 121, 121, 121],
    ]);
    const apart = contents('.binaryWords repeat(30, 1)\n.tile\n.binaryWords 1');
    expect(Array.from(apart ?? [])).toEqual([
      ...[255, 255, 3, 0, 0, 0, 0, 0],
      ...[255, 15, 0, 0, 0, 0, 0, 0],
      ...[1, 0, 0, 0, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  test('need a machine', () => {
    expect(messageOf(() => assemble('.data d\n.bits 1\n.binaryWords 1\nhalt', 'd.lasm'))).toBe(
      'error[ASM015] d.lasm:3:1 .binaryWords needs a machine: it has the size of a word (assemble with --hw FILE)',
    );
  });
});

test.each<[string, string]>([
  ['.i8 128', 'error[ASM007] d.lasm:2:5 128 is not from -128 to 127'],
  ['.i8 1.5', 'error[ASM012] d.lasm:2:5 an integer is needed here'],
  ['.i8 ramp(3, 126, 1)', 'error[ASM007] d.lasm:2:5 128 is not from -128 to 127'],
  ['.i8 repeat(3)', 'error[ASM011] d.lasm:2:5 repeat is written repeat(length, value)'],
  ['.i8 random(100000000, 1)', 'error[ASM007] d.lasm:2:12 100000000 is not from 0 to 67108864'],
  ['.trits 2', 'error[ASM007] d.lasm:2:8 2 is not from -1 to 1'],
  ['.i8 1,', 'error[ASM011] d.lasm:2:7 expected a value and found the end of the line'],
  ['.i8 constructor(1)', 'error[ASM008] d.lasm:2:5 nothing is called constructor'],
])('%s is refused', (text, message) => {
  expect(messageOf(() => bytes(text))).toBe(message);
});
