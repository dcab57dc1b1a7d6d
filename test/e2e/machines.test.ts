import { describe, expect, it } from 'vitest';
import { bytesPerInstruction } from '../../src/isa/index.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, golden, graph, outputOf, runToHalt } from './smallModel.ts';

const prompt = golden[1]?.prompt_ids ?? [];

describe('one image for every prompt length', () => {
  const hw = hardware('kv260');
  const image = compileSmall(hw, { weights: 'none' });

  it('has at most 64 KiB of code', () => {
    expect(image.code.length * bytesPerInstruction).toBeLessThanOrEqual(64 * 1024);
  });

  it.each([1, 2, 7, 8, 9, 100, 255, 256])('serves a prompt of %i tokens up to the model’s last position', (length) => {
    const ids = Array.from({ length }, (_, i) => (i * 31) % graph.vocabularySize);
    const run = runToHalt(image, hw, { prompt: ids, maxNewTokens: 1000 }, { values: false });
    expect(run.tokens.length).toBe(graph.maxPositions - length + 1);
  });

  it('gives the same first token time whatever the tokens are', () => {
    const firstToken = (step: number) => {
      const ids = Array.from({ length: 20 }, (_, i) => (i * step + 3) % graph.vocabularySize);
      return runToHalt(image, hw, { prompt: ids, maxNewTokens: 2 }, { values: false }).tokens.map(({ cycle }) => cycle);
    };
    expect(firstToken(1)).toEqual(firstToken(517));
  });
});

describe('other machines', () => {
  it.each(['tiny', 'odd'])('%s writes with the small model what its arithmetic allows', (name) => {
    const hw = hardware(name);
    const run = runToHalt(compileSmall(hw), hw, { prompt, maxNewTokens: 6 });
    // The order of sums and the 16-bit KV formats differ from the flagship’s, the words do not this early.
    expect(outputOf(run)).toEqual(golden[1]?.output_ids.slice(0, 6));
  });

  it('take the same cycles with and without values, and with every unit evaluated in every cycle', () => {
    const hw = hardware('kv260');
    const image = compileSmall(hw);
    const record = (values: boolean, dense: boolean) => {
      const events: InstructionEvent[] = [];
      const sink = { instruction: (event: InstructionEvent) => void events.push(event), token: () => {} };
      const run = runToHalt(
        image,
        hw,
        { prompt: prompt.slice(0, 10), maxNewTokens: 3, stopTokens: [] },
        { values, dense, sinks: [sink] },
      );
      const { machine } = run;
      return { events, cycle: machine.cycle, counters: machine.counters.snapshot(machine.cycle) };
    };
    const sparse = record(true, false);
    expect(sparse.events.length).toBeGreaterThan(1000);
    expect(record(false, false)).toEqual(sparse);
    expect(record(true, true)).toEqual(sparse);
    for (const classes of Object.values(sparse.counters)) {
      expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(sparse.cycle);
    }
  });
});

describe('decode traffic', () => {
  it('is weights, KV and code only: activations never leave the chip', () => {
    const hw = hardware('kv260');
    const image = compileSmall(hw, { weights: 'none' });
    const newTokens = 4;
    const run = (count: number) =>
      runToHalt(image, hw, { prompt, maxNewTokens: count }, { values: false }).machine.memory.statistics;
    const [short, long] = [run(newTokens), run(newTokens + 1)];
    const plan = image.metadata.plan as { bytesPerToken: Record<string, number> };
    const planned = Object.values(plan.bytesPerToken).reduce((sum, bytes) => sum + bytes, 0);
    const read = long.bytesRead.map((bytes, user) => bytes - (short.bytesRead[user] as number));
    const total = read.reduce((sum, bytes) => sum + bytes, 0);
    // In this short context all keys and values are on chip, and all code is in the instruction cache.
    expect(total).toBe(planned);
    expect(long.bytesWritten.reduce((sum, bytes) => sum + bytes, 0)).toBe(0);
  });
});
