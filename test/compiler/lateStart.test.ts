import { describe, expect, it } from 'vitest';
import { beginningAt, compile } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import type { ProgramImage } from '../../src/isa/index.ts';
import { Run } from '../../src/machine/run.ts';
import { machine, shapes, testGraph } from './models.ts';

const graph = testGraph(shapes.stories);
const timing = { weights: 'none' } as const;

/** Cycles of the steps of a run without values. */
function steps(image: ProgramImage, hw: HardwareModel, prompt: number, tokens: number): number[] {
  const ids = new Array<number>(prompt).fill(1);
  const request = { prompt: ids, maxNewTokens: tokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const run = new Run(image, hw, request, { values: false, dense: false });
  while (!run.advance(1_000_000));
  return run.tokens.slice(1).map(({ cycle }, step) => cycle - (run.tokens[step]?.cycle ?? 0));
}

describe('a program that begins late', () => {
  it.each(['kv260', 'mid'])('takes the time on %s that its steps take in a whole run', (name) => {
    const hw = machine(name);
    const whole = steps(compile(graph, hw, timing), hw, 4, 28);
    const late = steps(compile(graph, hw, { ...timing, firstPosition: 27 }), hw, 1, 4);
    // Positions 28 to 30. When refresh comes, and what is under way at the start, differ.
    for (const [index, cycles] of late.entries()) {
      expect(Math.abs(cycles / (whole[24 + index] as number) - 1)).toBeLessThan(0.01);
    }
    expect(late).toHaveLength(3);
  });

  it.each(['on-chip', 'spilled'] as const)('is the same moved as compiled, activations %s', (activations) => {
    const hw = machine('kv260');
    const at = (firstPosition: number) => compile(graph, hw, { ...timing, activations, firstPosition });
    expect(beginningAt(at(1), 77)).toEqual(at(77));
    expect(() => beginningAt(at(0), 3)).toThrow('the image begins at position 0');
  });
});
