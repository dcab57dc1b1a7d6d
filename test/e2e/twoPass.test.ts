import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CompileOptions } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import type { ProgramImage } from '../../src/isa/image.ts';
import type { RunRequest } from '../../src/machine/run.ts';
import { scoreTokens } from '../../src/machine/score.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, golden, outputOf, runToHalt } from './smallModel.ts';

const kv260 = hardware('kv260');
const twoPass = { head: 'two-pass', headCoarseBits: 4 } as const;
/** Greedy continuations with a head of one pass (test/e2e/golden.test.ts). */
const { continuations, newTokens }: { continuations: { ids: string }[]; newTokens: number } = JSON.parse(
  readFileSync('golden/tern-stories-5m.kv260.float16.json', 'utf8'),
);

/** Tokens of a greedy run, and how many times the engine ran for exact logits. */
function write(hw: HardwareModel, image: ProgramImage, prompt: number, request: Partial<RunRequest> = {}) {
  const head = image.metadata.operations.indexOf('head');
  let scored = 0;
  const sink = {
    instruction: ({ name, marks }: InstructionEvent) => {
      if (name === 'matmul.run' && marks.operation === head) scored += 1;
    },
    token: () => {},
  };
  const asked = { prompt: golden[prompt]?.prompt_ids ?? [], maxNewTokens: 12, ...request };
  const run = runToHalt(image, hw, asked, { sinks: [sink] });
  return { tokens: outputOf(run), picked: run.tokens.length, scored };
}

describe('a two-pass head', () => {
  it('writes the tokens of a head of one pass, and scores few rows for them', () => {
    const image = compileSmall(kv260, twoPass);
    const runs = golden.map((_, prompt) => write(kv260, image, prompt, { maxNewTokens: newTokens }));
    runs.forEach(({ tokens }, prompt) => {
      expect(tokens.join(' '), `prompt ${prompt}`).toBe(continuations[prompt]?.ids);
    });
    // Of 256 groups; `npx tsx bench/twoPass.ts` prints more about it.
    const total = (key: 'scored' | 'picked') => runs.reduce((sum, run) => sum + run[key], 0);
    expect(total('scored') / total('picked')).toBeLessThan(16);
  });

  it('falls back to the whole head where the shortlist is too short, with the same tokens', () => {
    const plain = write(kv260, compileSmall(kv260), 3);
    const narrow = hardware('kv260', 'sampler.shortlist=2');
    const short = write(narrow, compileSmall(narrow, twoPass), 3);
    expect(short.tokens).toEqual(plain.tokens);
    // One whole head of 256 groups at least.
    expect(short.scored).toBeGreaterThan(256);
    const long = write(kv260, compileSmall(kv260, twoPass), 3);
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
    const expected = write(hw, compileSmall(hw, plain), 1, request);
    const actual = write(hw, compileSmall(hw, { head: 'two-pass', ...options }), 1, request);
    expect(actual.tokens).toEqual(expected.tokens);
  });

  it('gives all logits to a test bench that asks for them', () => {
    const tokens = golden[4]?.prompt_ids.concat(golden[4].output_ids.slice(0, 3)) ?? [];
    const all = (options: Partial<CompileOptions>) => {
      const rows: number[][] = [];
      scoreTokens(compileSmall(kv260, options), kv260, tokens, tokens.length - 3, (_, logits) =>
        rows.push([...logits]),
      );
      return rows;
    };
    expect(all(twoPass)).toEqual(all({}));
  });

  it('draws from all logits where the temperature is above zero', () => {
    const request = { temperature: 0.9, topK: 20, seed: 7 };
    const drawn = (options: Partial<CompileOptions>) => write(kv260, compileSmall(kv260, options), 2, request).tokens;
    expect(drawn(twoPass)).toEqual(drawn({}));
  });
});
