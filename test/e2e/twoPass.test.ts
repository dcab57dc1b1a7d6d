import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CompileOptions } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, golden, outputOf, runToHalt } from './smallModel.ts';

const kv260 = hardware('kv260');
const twoPass = { head: 'two-pass', headCoarseBits: 4 } as const;
/** Greedy continuations with a head of one pass (test/e2e/golden.test.ts). */
const { continuations, newTokens }: { continuations: { ids: string }[]; newTokens: number } = JSON.parse(
  readFileSync('golden/tern-stories-5m.kv260.json', 'utf8'),
);

/** Tokens of a run, and how many times the engine ran for exact logits. */
function write(hw: HardwareModel, options: Partial<CompileOptions>, prompt: number, request = {}) {
  const image = compileSmall(hw, options);
  let scored = 0;
  const head = image.metadata.operations.indexOf('head');
  const count = {
    instruction: ({ name, marks }: { name: string; marks: { operation: number } }) => {
      if (name === 'matmul.run' && marks.operation === head) scored += 1;
    },
    token: () => {},
  };
  const prompt_ids = golden[prompt]?.prompt_ids ?? [];
  const run = runToHalt(image, hw, { prompt: prompt_ids, maxNewTokens: 12, ...request }, { sinks: [count] });
  return { tokens: outputOf(run), scored };
}

describe('a two-pass head', () => {
  it('writes the tokens of a head of one pass, and scores few rows for them', () => {
    const image = compileSmall(kv260, twoPass);
    const head = image.metadata.operations.indexOf('head');
    let tokens = 0;
    let scored = 0;
    golden.forEach(({ prompt_ids }, index) => {
      const sink = {
        instruction: ({ name, marks }: { name: string; marks: { operation: number } }) => {
          if (name === 'matmul.run' && marks.operation === head) scored += 1;
        },
        token: () => {
          tokens += 1;
        },
      };
      const run = runToHalt(image, kv260, { prompt: prompt_ids, maxNewTokens: newTokens }, { sinks: [sink] });
      expect(outputOf(run).join(' '), `prompt ${index}`).toBe(continuations[index]?.ids);
    });
    // Of 256 groups; `npx tsx bench/twoPass.ts` prints more about it.
    expect(scored / tokens).toBeLessThan(16);
  });

  it('falls back to the whole head where the shortlist is too short, with the same tokens', () => {
    const plain = write(kv260, {}, 3);
    const short = write(hardware('kv260', 'sampler.shortlist=2'), twoPass, 3);
    expect(short.tokens).toEqual(plain.tokens);
    // One whole head of 256 groups at least.
    expect(short.scored).toBeGreaterThan(256);
    const long = write(kv260, twoPass, 3);
    expect(long.scored).toBeLessThan(256);
  });

  it.each([
    ['odd', 'sampler.shortlist=90', { headBits: 6, headCoarseBits: 5 }],
    ['mid', 'sampler.shortlist=300', { headBits: 8, headCoarseBits: 3, fuse: false }],
    ['tiny', 'sampler.shortlist=200', { headBits: 4, headCoarseBits: 3 }],
  ] as const)('does so on %s', (name, override, options) => {
    const hw = hardware(name, override);
    const { headCoarseBits: _, ...plain } = options;
    const request = { maxNewTokens: 4, prompt: golden[1]?.prompt_ids.slice(0, 4) ?? [] };
    const expected = write(hw, plain, 1, request);
    const actual = write(hw, { head: 'two-pass', ...options }, 1, request);
    expect(actual.tokens).toEqual(expected.tokens);
  });

  it('draws from all logits where the temperature is above zero', () => {
    const request = { temperature: 0.9, topK: 20, seed: 7 };
    expect(write(kv260, twoPass, 2, request).tokens).toEqual(write(kv260, {}, 2, request).tokens);
  });
});
