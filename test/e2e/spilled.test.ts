import { describe, expect, it } from 'vitest';
import type { InstructionEvent } from '../../src/trace/events.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, golden, graph, outputOf, runToHalt } from './smallModel.ts';

const prompt = golden[1]?.prompt_ids ?? [];

describe('spilled activations', () => {
  // All positions in one tile: every sum is made in the order of a program that keeps everything on the chip.
  const hw = hardware('kv260', 'attention.scoreDepth=512', 'kvStore.bytes=2097152');
  const inPlace = outputOf(runToHalt(compileSmall(hw), hw, { prompt, maxNewTokens: 24 }));

  it.each([
    { attentionOrder: 'reversed', fuse: true },
    { attentionOrder: 'reversed', fuse: false },
    { attentionOrder: 'naive', fuse: true },
    { attentionOrder: 'naive', fuse: false, rowsPerPass: 3 },
  ] as const)('write what activations on the chip write: %j', (options) => {
    const image = compileSmall(hw, { activations: 'spilled', ...options });
    expect(outputOf(runToHalt(image, hw, { prompt, maxNewTokens: 24 }))).toEqual(inPlace);
  });

  it.each(['odd', 'mid'])('write the same on %s, in tiles and with 16-bit keys where it has them', (name) => {
    const other = hardware(name);
    const image = compileSmall(other, { activations: 'spilled' });
    const text = outputOf(runToHalt(image, other, { prompt, maxNewTokens: 6 }));
    expect(text).toEqual(golden[1]?.output_ids.slice(0, 6));
  });

  it.each([1, 8, 9, 255, 256])('serve a prompt of %i tokens up to the last position with one program', (length) => {
    const image = compileSmall(hw, { activations: 'spilled', weights: 'none' });
    const ids = Array.from({ length }, (_, i) => (i * 31) % graph.vocabularySize);
    const run = runToHalt(image, hw, { prompt: ids, maxNewTokens: 12 }, { values: false });
    expect(run.tokens.length).toBe(Math.min(12, graph.maxPositions - length + 1));
  });

  it('load the weights of the layers once for all tokens of the prompt', () => {
    const image = compileSmall(hw, { activations: 'spilled', weights: 'none' });
    const loads = (length: number) => {
      let count = 0;
      const ids = Array.from({ length }, () => 5);
      const instruction = ({ unit }: InstructionEvent) => {
        if (unit === 'weightBuffer') count++;
      };
      const sinks = [{ instruction, token: () => {} }];
      runToHalt(image, hw, { prompt: ids, maxNewTokens: 1 }, { values: false, sinks });
      return count;
    };
    expect(loads(200)).toBe(loads(1));
  });

  it('do about twice the attention work in the naive order', () => {
    const attention = (attentionOrder: 'naive' | 'reversed') => {
      const image = compileSmall(hw, { activations: 'spilled', attentionOrder, weights: 'none' });
      let cycles = 0;
      const instruction = ({ name, started, finished }: InstructionEvent) => {
        if (name === 'attention.attend') cycles += finished - started;
      };
      const ids = Array.from({ length: 128 }, () => 5);
      const sinks = [{ instruction, token: () => {} }];
      runToHalt(image, hw, { prompt: ids, maxNewTokens: 1 }, { values: false, sinks });
      return cycles;
    };
    const ratio = attention('naive') / attention('reversed');
    // (128² − 16·28) / (128·129/2), besides what an attend takes of itself.
    expect(ratio).toBeGreaterThan(1.75);
    expect(ratio).toBeLessThan(1.95);
  });
});
