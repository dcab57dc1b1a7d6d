import { expect, it } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { Run } from '../../src/machine/run.ts';
import { parseConfig } from '../../src/model/config.ts';
import { syntheticModel } from '../../src/model/index.ts';
import { smallConfig } from '../cli/capture.ts';
import { hardware } from '../hw/models.ts';

const config = parseConfig(new TextEncoder().encode(JSON.stringify(smallConfig)), 'config.json');
const graph = syntheticModel(config, 'small', 3);

function run(machine: string, bitsPerWeight: number) {
  const hw = hardware(machine, `weightBuffer.bitsPerWeight=${bitsPerWeight}`);
  const request = { prompt: [1, 2, 3], maxNewTokens: 6, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const one = new Run(compile(graph, hw), hw, request, { values: true, dense: false });
  while (!one.advance(100_000));
  return { tokens: one.tokens.map(({ token }) => token), bytes: one.traffic().bytesByUnit.weightBuffer ?? 0 };
}

it.each(['kv260', 'mid', 'odd'])('wider weights are the same weights on %s, and more bytes', (machine) => {
  const five = run(machine, 1.6);
  const wide = run(machine, 2.5);
  expect(wide.tokens).toEqual(five.tokens);
  expect(new Set(five.tokens).size).toBeGreaterThan(1);
  expect(wide.bytes).toBeGreaterThan(1.05 * five.bytes);
});
