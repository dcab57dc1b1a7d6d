import { describe, expect, it } from 'vitest';
import { Run } from '../../src/machine/run.ts';
import { hardware } from '../machine/harness.ts';
import { compileSmall, golden } from './smallModel.ts';

const prompt = golden[3]?.prompt_ids ?? [];
const request = { prompt, maxNewTokens: 5, temperature: 0.9, topK: 20, seed: 5, stopTokens: [] };

describe('the small model goes on from a saved state in the middle of a token', () => {
  it.each([
    ['kv260', { head: 'exact' }, 0],
    ['kv260', { head: 'two-pass' }, 0],
    ['odd', { activations: 'spilled' }, 0.9],
  ] as const)('on %s, %j, at temperature %d', (name, options, temperature) => {
    const hw = hardware(name);
    const events: unknown[] = [];
    const sink = {
      instruction: (event: unknown) => events.push(event),
      token: (event: unknown) => events.push(event),
    };
    const image = compileSmall(hw, options);
    const run = new Run(image, hw, { ...request, temperature }, { values: true, dense: false, sinks: [sink] });
    while (run.tokens.length < 2) run.advance(1);
    const begun = run.machine.cycle;
    // A third of the way to the next token.
    while (run.machine.cycle - begun < (begun - (run.tokens[0]?.cycle ?? 0)) / 3) run.advance(1);
    const saved = run.machine.save();
    const before = events.length;
    while (!run.advance(10_000));
    const rest = events.splice(before);
    const counted = run.machine.counters.snapshot(run.machine.cycle);
    run.machine.restore(saved);
    while (!run.advance(10_000));
    expect(events.slice(before)).toEqual(rest);
    expect(run.machine.counters.snapshot(run.machine.cycle)).toEqual(counted);
    // The tokens of the second time are behind those of the first.
    const tokens = run.tokens.map(({ token }) => token);
    expect(tokens).toHaveLength(8);
    expect(tokens.slice(5)).toEqual(tokens.slice(2, 5));
  });
});
