import { expect, it } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { Lockstep, type LockstepResult } from '../../src/cosim/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import type { ProgramImage } from '../../src/isa/index.ts';
import { commandBlock } from '../../src/machine/run.ts';
import { readConfig, syntheticModel } from '../../src/model/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { compileSmall, golden } from '../e2e/smallModel.ts';
import { hardware } from '../machine/harness.ts';
import { directoryOnDisk } from '../model/files.ts';
import { verdict, verilogOf } from './harness.ts';

async function write(
  hw: HardwareModel,
  image: ProgramImage,
  prompt: readonly number[],
  newTokens: number,
): Promise<LockstepResult> {
  const request = { prompt, maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const verilog = await verilogOf(hw);
  const lockstep = new Lockstep(verilog.instantiate(), { image, hw, command: commandBlock(request, image) });
  while (!lockstep.advance());
  return lockstep.result();
}

/** New tokens; tiny needs millions of cycles for each (docs/verilog.md has the command for 32). */
const texts = [
  { model: 'mid', newTokens: 32, promptTokens: 8, options: {} },
  { model: 'tiny', newTokens: 2, promptTokens: 1, options: { headBits: 2 } },
  { model: 'kv260', newTokens: 3, promptTokens: 10, options: {} },
  { model: 'kv260', newTokens: 2, promptTokens: 3, options: { head: 'two-pass', headCoarseBits: 3 } },
] as const;

describeVerilog('a model in Verilog', () => {
  it.each(texts)('writes $newTokens tokens of a story on $model, equal in every cycle', async (row) => {
    const { model, newTokens, promptTokens, options } = row;
    const hw = hardware(model);
    const prompt = golden[0]?.prompt_ids.slice(0, promptTokens) ?? [];
    const result = await write(hw, compileSmall(hw, options), prompt, newTokens);
    expect(verdict(result)).toBe('equal');
    expect(result.tokens).toBe(newTokens);
  });

  it('goes through a layer of BitNet 0.73B, prefill and decode, on kv260', async () => {
    const hw = hardware('kv260');
    const config = readConfig(directoryOnDisk('models/bitnet-0.73b'));
    const shape = { ...config.shape, layerCount: 1, vocabularySize: 512 };
    const graph = syntheticModel({ ...config, shape }, 'one layer', 1);
    // Nine tokens are two batches of rows.
    const prompt = Array.from({ length: 9 }, (_, i) => 31 * i + 5);
    const result = await write(hw, compile(graph, hw, { weights: 'pack' }), prompt, 2);
    expect(verdict(result)).toBe('equal');
    expect(result.tokens).toBe(2);
  });
});
