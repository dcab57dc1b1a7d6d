import { describe, expect, it } from 'vitest';
import type { CompileOptions } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import type { RunOptions } from '../../src/machine/run.ts';
import { scoreTokens } from '../../src/machine/score.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, fastOptions, golden, outputOf, runToHalt } from './smallModel.ts';

const tokens = golden[3]?.prompt_ids.concat(golden[3].output_ids).slice(0, 24) ?? [];

/** The bits of all logits after each of the last tokens. */
function logitBits(
  hw: HardwareModel,
  options: Partial<CompileOptions>,
  fast: Pick<RunOptions, 'kernels' | 'memoryModule'>,
): string[] {
  const bits: string[] = [];
  const read = (_: number, logits: Float32Array) => {
    bits.push(Buffer.from(Float32Array.from(logits).buffer).toString('base64'));
  };
  scoreTokens(compileSmall(hw, options), hw, tokens, tokens.length - 3, read, fast);
  return bits;
}

describe('the small model has the same logits, bit by bit, by the plain functions and by kernels', () => {
  it.each([
    ['kv260', [], {}],
    ['kv260', ['vector.format=bfloat16', 'kvStore.format=bfloat16'], { headBits: 12 }],
    ['kv260', ['attention.scoreDepth=512', 'kvStore.bytes=2097152'], { activations: 'spilled' }],
    ['mid', [], { headBits: 3 }],
    ['odd', [], {}],
    ['odd', [], { activations: 'spilled' }],
    ['tiny', [], { headBits: 8 }],
  ] as const)('on %s, %j, %j', async (name, overrides, options) => {
    const hw = hardware(name, ...overrides);
    expect(logitBits(hw, options, await fastOptions(2))).toEqual(logitBits(hw, options, {}));
  });

  it('and draws the same tokens from them, with a two-pass head too', async () => {
    const hw = hardware('kv260');
    for (const head of ['exact', 'two-pass'] as const) {
      const image = compileSmall(hw, { head });
      const request = { prompt: tokens, maxNewTokens: 12, temperature: 0.9, topK: 20, seed: 5 };
      const greedy = { prompt: tokens, maxNewTokens: 12 };
      for (const asked of [request, greedy]) {
        const plain = runToHalt(image, hw, asked);
        const fast = runToHalt(image, hw, asked, await fastOptions(3));
        expect(outputOf(fast)).toEqual(outputOf(plain));
        expect(fast.tokens).toEqual(plain.tokens);
      }
    }
  });
});
