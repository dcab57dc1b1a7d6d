import { describe, expect, it } from 'vitest';
import { Lockstep } from '../../src/cosim/index.ts';
import { commandBlock } from '../../src/machine/run.ts';
import { compileSmall, golden } from '../e2e/smallModel.ts';
import { hardware } from '../machine/harness.ts';
import { hasTool, needs } from '../tools.ts';
import { verdict, verilogOf } from './harness.ts';

/** New tokens; tiny needs millions of cycles for each (`lutra cosim --hw hw-models/tiny.json --max-tokens 32` for more). */
const texts = [
  { model: 'mid', newTokens: 32, promptTokens: 8, options: {} },
  { model: 'tiny', newTokens: 2, promptTokens: 1, options: { headBits: 2 } },
];

describe.skipIf(!hasTool('verilator'))(`the small model in Verilog ${needs('verilator')}`, () => {
  it.each(texts)('writes $newTokens tokens on $model, equal in every cycle', async ({ model, ...run }) => {
    const hw = hardware(model);
    const image = compileSmall(hw, run.options);
    const request = {
      prompt: (golden[0] as (typeof golden)[number]).prompt_ids.slice(0, run.promptTokens),
      maxNewTokens: run.newTokens,
      temperature: 0,
      topK: 1,
      seed: 0,
      stopTokens: [],
    };
    const verilog = await verilogOf(hw);
    const lockstep = new Lockstep(verilog.instantiate(), { image, hw, command: commandBlock(request, image) });
    while (!lockstep.advance());
    const result = lockstep.result();
    expect(verdict(result)).toBe('equal');
    expect(result.tokens).toBe(run.newTokens);
  });
});
