import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { type CompileOptions, compile } from '../../src/compiler/compile.ts';
import { describePlan, type Plan } from '../../src/compiler/plan.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { disassemble } from '../../src/isa/assembler/disassemble.ts';
import { hardware } from '../hw/models.ts';
import { machine, type shapes as Shapes, shapes, testGraph } from './models.ts';

const kv260 = machine('kv260');

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof LutraError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('compile', () => {
  it.each([
    ['kv260', 'stories'],
    ['kv260', 'large'],
    ['kv260', '2b4t'],
    ['tiny', 'stories'],
    ['odd', 'stories'],
  ] as const)('gives %s a program for %s of at most 64 KiB', (hw, shape: keyof typeof Shapes) => {
    for (const fuse of [true, false]) {
      const image = compile(testGraph(shapes[shape]), machine(hw), { weights: 'none', fuse });
      expect(image.code.length * 32).toBeLessThanOrEqual(65_536);
      expect(image.segments.every(({ data }) => data === undefined)).toBe(true);
    }
  });

  it('does not read tensors for timing only', () => {
    const graph = testGraph(shapes.stories);
    const unreadable = () => {
      throw new Error('read');
    };
    const closed = {
      ...graph,
      embedding: { ...graph.embedding, readRows: unreadable },
      layers: graph.layers.map((layer) => ({ ...layer, query: { ...layer.query, readRows: unreadable } })),
    };
    expect(() => compile(closed, kv260, { weights: 'none' })).not.toThrow();
    expect(() => compile(closed, kv260)).toThrow('read');
  });

  it('lays segments out in order, aligned and apart, the code behind them', () => {
    const image = compile(testGraph(shapes.large), kv260, { weights: 'none' });
    let end = 0;
    for (const { address, bytes } of image.segments) {
      expect(address % 64).toBe(0);
      expect(address).toBeGreaterThanOrEqual(end);
      end = address + bytes;
    }
    expect(image.codeAddress).toBeGreaterThanOrEqual(end);
    expect(image.memoryBytes).toBe(image.codeAddress + 32 * image.code.length);
  });

  it('gives the weights and nothing else the bytes they need', () => {
    const { bytesPerToken } = compile(testGraph(shapes['2b4t']), kv260, { weights: 'none' }).metadata.plan as Plan;
    // Five digits to a byte, inputs padded to whole blocks of 140: 2660 for 2560, 7000 for 6912.
    const ideal = 30 * ((2660 * (2560 + 2 * 640 + 2560 + 2 * 6912) + 7000 * 2560) / 5);
    expect(bytesPerToken.weights).toBeGreaterThanOrEqual(ideal);
    expect(bytesPerToken.weights).toBeLessThan(1.01 * ideal);
  });

  it('reads well as text', () => {
    const { code, labels } = compile(testGraph(shapes.stories), kv260, { weights: 'none' });
    const text = disassemble(code, { labels });
    for (const label of ['start', 'boundary', 'prompt', 'pass', 'layer', 'head', 'end'])
      expect(text).toContain(`${label}:`);
    expect(text.match(/mark +operation/g)?.length).toBeGreaterThanOrEqual(7);
  });

  it('describes its plan', () => {
    const image = compile(testGraph(shapes.stories), kv260, { weights: 'none', fuse: false });
    const lines = describePlan(image.metadata.plan as Plan);
    expect(lines[0]).toMatch(/^per token {2}[\d,]+ bytes: weights [\d,]+, head [\d,]+, coefficients/);
    expect(lines).toContain('prefill    8 rows per pass');
    expect(lines.some((line) => line.endsWith('not loaded ahead of float work'))).toBe(true);
    expect(lines.at(-1)).toBe(
      `code       ${image.code.length} instructions, ${(32 * image.code.length).toLocaleString('en')} bytes`,
    );
  });
});

describe('a model that does not fit', () => {
  const stories = testGraph(shapes.stories);
  // Widths that the messages below follow from.
  const pinned = ['vector.lanes=16', 'attention.lanes=32'];
  const fault = (overrides: readonly string[], options: CompileOptions = {}) =>
    message(() => compile(stories, machine('kv260', [...pinned, ...overrides]), { weights: 'none', ...options }));

  it.each<[string[], string, CompileOptions?]>([
    [
      ['weightBuffer.words=20'],
      'error[CMP010] operation down: its smallest tile (768 inputs × 16 columns) is 12 words; half of the weight buffer has 10 (raise weightBuffer.words to at least 24)',
    ],
    [
      ['matmul.accumulatorElements=64'],
      'error[CMP011] operation qkv: its smallest tile gives 64 sums for 2 rows; half of the accumulator buffer has 32 (raise matmul.accumulatorElements to at least 128, or lower --rows-per-pass)',
      { rowsPerPass: 2 },
    ],
    [
      ['vector.activationElements=768', 'vector.activationBanks=1'],
      'error[CMP021] the act buffer is too small for the model: with 1 row per pass it needs 1280 elements, and vector.activationElements is 768 (raise vector.activationElements to at least 1280)',
    ],
    [
      ['matmul.accumulatorElements=48', 'matmul.maxRows=4'],
      'error[CMP011] operation qkv: its smallest tile gives 32 sums for 1 row; half of the accumulator buffer has 24 (raise matmul.accumulatorElements to at least 64)',
      { rowsPerPass: 1 },
    ],
    [
      ['weightBuffer.words=24'],
      'error[CMP010] operation head: its smallest tile (256 inputs × 16 columns) is 40 words; half of the weight buffer has 12 (raise weightBuffer.words to at least 80, or lower --head-bits)',
    ],
    [
      ['memory.capacityBytes=2097152', 'kvStore.format=float32', 'kvStore.bytes=524288'],
      'error[CMP030] the model does not fit external memory: it needs 4136960 bytes, and memory has 2097152; the largest part is kv with 1185792 (raise memory.capacityBytes to at least 4136960, or lower --max-positions)',
    ],
    [
      ['vector.lanes=32'],
      "error[CMP002] the model's head dimension 32 is not a multiple of 64 (2 × vector.lanes) (vector.lanes must be a power of two that divides 16)",
    ],
    [
      ['attention.lanes=64'],
      "error[CMP002] the model's head dimension 32 is not a multiple of 64 (attention.lanes) (attention.lanes must be a power of two that divides 32)",
    ],
  ])('%j', (overrides, expected, options = {}) => {
    expect(fault(overrides, options).slice(0, expected.length)).toBe(expected);
  });

  it('refuses what spilled activations cannot do', () => {
    const spilled = { weights: 'none', activations: 'spilled' } as const;
    const refusal = (hw: HardwareModel, options: CompileOptions = {}) =>
      message(() => compile(stories, hw, { ...spilled, ...options }));
    expect(message(() => compile(stories, kv260, { attentionOrder: 'naive' }))).toBe(
      'error[CMP007] the order of attention can only be chosen where activations are spilled (--activations spilled; otherwise rows come in the order of the prompt and no masked work is done)',
    );
    expect(refusal(kv260, { firstPosition: 256 })).toBe(
      'error[CMP009] a prompt cannot begin at position 256 (from 0 to 255)',
    );
    expect(message(() => compile(stories, kv260, { firstPosition: 1 }))).toBe(
      'error[CMP009] a prompt cannot begin at position 1 (only in a program without weights, or with spilled activations)',
    );
    expect(refusal(machine('tiny'))).toMatch(
      /^error\[CMP026\] with spilled activations the program has \d+ bytes of code, more than 65536: a layer is \d+ groups of weights, each with code of its own \(raise weightBuffer.words and matmul.accumulatorElements, or keep activations on the chip\)$/,
    );
    expect(refusal(machine('kv260', ['kvStore.format=float32', 'kvStore.bytes=1984', 'attention.lanes=16']))).toBe(
      'error[CMP023] the KV store is too small for the model: 2 staged positions need 2048 bytes, and it has 1984 (raise kvStore.bytes to at least 2048)',
    );
    const narrow = { ...stories, heads: 6, kvHeads: 1, headDimension: 8 };
    const wide = hardware(
      'kv260',
      'board.memoryPorts.bits=512',
      'memory.portBits=512',
      'attention.lanes=8',
      'kvStore.format=float32',
    );
    expect(message(() => compile(narrow, wide, { ...spilled, rowsPerPass: 1 }))).toBe(
      'error[CMP024] keys of a position are 32 bytes, not whole beats of 64 bytes, and spilled activations are moved row by row (lower memory.portBits, or keep activations on the chip)',
    );
    // A gate that ends in the middle of a beat of sixteen results.
    const odd = ['memory.portBits=512', 'memory.ports=1', 'memory.burstBeats=16', 'matmul.columns=1'];
    expect(refusal(hardware('odd', 'weightBuffer.words=8000', ...odd))).toMatch(
      /^error\[CMP025\] operation ffn: no group of tiles that fits \d+ words of the weight buffer ends at a whole beat of 64 bytes of its results \(raise weightBuffer.words, or keep activations on the chip\)$/,
    );
  });

  it('refuses heads that are narrower than a beat where rows of them are moved', () => {
    const wide = [
      'board.memoryPorts.bits=512',
      'memory.portBits=512',
      'vector.lanes=4',
      'attention.lanes=8',
      'kvStore.format=float32',
    ];
    const narrow = { ...stories, heads: 32, kvHeads: 1, headDimension: 8 };
    const refusal = (rowsPerPass: number, ...overrides: string[]) =>
      message(() => compile(narrow, hardware('kv260', ...wide, ...overrides), { weights: 'none', rowsPerPass }));
    expect(refusal(2)).toBe(
      "error[CMP024] the model's head dimension 8 is not a multiple of the 16 float32 elements of a port's beat (lower memory.portBits, or --rows-per-pass to 1)",
    );
    expect(refusal(1, 'kvStore.bytes=4096')).toMatch(
      /^error\[CMP024\] keys of a position are 32 bytes, not whole beats of 64 bytes, and the KV store has no room for all positions \(lower memory.portBits, or raise kvStore.bytes to at least \d+\)$/,
    );
    const everything = hardware('kv260', ...wide);
    expect(compile(narrow, everything, { weights: 'none', rowsPerPass: 1 }).code.length).toBeGreaterThan(0);
  });

  it('refuses impossible options', () => {
    expect(fault([], { head: 'two-pass', headBits: 4, headCoarseBits: 4 })).toBe(
      'error[CMP003] a coarse pass of 4 bits before an exact one of 4 cannot be built (--head-coarse-bits takes an integer from 1 on, below that of --head-bits)',
    );
    expect(fault([], { headCoarseBits: 4 })).toBe(
      'error[CMP008] a head of one pass has no coarse bits (add --head two-pass)',
    );
    expect(fault([], { head: 'two-pass', activations: 'spilled' })).toMatch(
      /^error\[CMP008\] .* activations on the chip/,
    );
    expect(
      message(() => compile(testGraph(shapes.stories), machine('tiny'), { weights: 'none', head: 'two-pass' })),
    ).toBe('error[CMP008] the machine tiny has no shortlist, which a two-pass head needs (add sampler.shortlist)');
    const flat = { ...testGraph(shapes.stories), normEpsilon: 0 };
    expect(message(() => compile(flat, kv260, { weights: 'none', head: 'two-pass' }))).toMatch(
      /^error\[CMP008\] .*is 0/,
    );
    expect(fault([], { headBits: 13 })).toBe(
      'error[CMP003] a head of 13 bits cannot be built (--head-bits takes an integer from 1 to 12)',
    );
    expect(fault([], { rowsPerPass: 0 })).toBe(
      'error[CMP004] a pass of 0 rows cannot be run (--rows-per-pass takes an integer from 1 on)',
    );
    expect(fault([], { rowsPerPass: 9 })).toMatch(
      /^error\[CMP020\] a pass of 9 rows: more than matmul.maxRows, which is 8 \(raise matmul.maxRows to at least 9, or lower --rows-per-pass\)$/,
    );
    expect(fault([], { tileColumns: 0 })).toBe(
      'error[CMP008] tiles of 0 columns cannot be made (--tile-columns takes an integer from 1 on)',
    );
    expect(fault([], { maxPositions: 257 })).toBe(
      'error[CMP005] a context of 257 positions cannot be built: the model has 256 (--max-positions takes an integer from 1 to 256)',
    );
  });

  it('refuses layers with different norms', () => {
    const { attentionSubNorm: _, ...bare } = stories.layers[1] as (typeof stories.layers)[number];
    const mixed = { ...stories, layers: stories.layers.map((layer, i) => (i === 1 ? bare : layer)) };
    expect(message(() => compile(mixed, kv260, { weights: 'none' }))).toMatch(
      /^error\[CMP001\] layer 1 lacks the attentionSubNorm that layer 0 has/,
    );
  });
});
