import { describe, expect, it } from 'vitest';
import { encodeFloat } from '../../../src/base/float.ts';
import { compile } from '../../../src/compiler/index.ts';
import { derive } from '../../../src/hw/index.ts';
import { instructionTable, issueUnits } from '../../../src/isa/table.ts';
import { workRules } from '../../../src/machine/kernel/work.ts';
import { Run } from '../../../src/machine/run.ts';
import { parseConfig } from '../../../src/model/config.ts';
import { shapeOnlyModel } from '../../../src/model/index.ts';
import type { InstructionEvent } from '../../../src/trace/events.ts';
import type { Work } from '../../../src/trace/work.ts';
import { smallConfig } from '../../cli/capture.ts';
import { hardware } from '../harness.ts';

const encoder = new TextEncoder();
const odd = hardware('odd');

function rule(name: string, hw = odd) {
  const work = workRules(hw, derive(hw))[name];
  if (!work) throw new Error(`no rule for ${name}`);
  return work;
}

const floatBits = (value: number) => encodeFloat('float32', value);

describe('work of instructions', () => {
  it('is known of every one that does any', () => {
    const silent = /\.(sync|configure|begin)$/;
    const named = instructionTable.filter(({ unit, name }) => unit !== 'frontEnd' && !silent.test(name));
    const rules = workRules(odd, derive(odd));
    expect(named.map(({ name }) => name).filter((name) => !rules[name])).toEqual([]);
  });

  it('of a matmul is one entry for each table and column of a word', () => {
    const hw = hardware('kv260');
    const { tables, columns, group } = hw.matmul;
    // input, weights, output, rows, blocks, steps, alphabet, planes
    const work = rule('matmul.run', hw)([0, 0, 0, 3, 2, 5, 0, 1, 0, 0]);
    const words = 3 * 2 * 5;
    expect(work).toEqual({
      macs: words * tables * group * columns,
      lookups: words * tables * columns,
      tableEntries: 3 * 2 * tables * 122,
      integerAdds: words * tables * columns + 3 * 2 * tables * 122,
      weightsBytes: words * tables * columns,
      inputBytes: 3 * 2 * tables * group,
      accBytes: words * columns * 8,
    });
    const planes = rule('matmul.run', hw)([0, 0, 0, 1, 2, 5, 1, 4, 0, 0]);
    expect(planes.macs).toBe(2 * 5 * tables * group * columns);
    expect(planes.lookups).toBe(4 * 2 * 5 * tables * columns);
    expect(
      rule(
        'matmul.run',
        hardware('kv260', 'matmul.tableForm=select', 'matmul.buildEntriesPerCycle=1'),
      )([0, 0, 0, 1, 1, 1, 0, 1]).lookups,
    ).toBe(0);
  });

  it('of attention leaves masked positions out', () => {
    const hw = hardware('kv260');
    const rules = workRules(hw, derive(hw));
    const attend = (window: number, sink: number) => {
      rules['attention.configure']?.([2, 1, 8, window, sink, 0, 0, 0]);
      // Positions 0 … 9, queries at 6, 7 and 8, the last of the run.
      return rules['attention.attend']?.([0, 0, 0, 10, 6, 3, 2]) as Work;
    };
    const all = attend(0, 0);
    expect(all.kvBytes).toBe(2 * (7 + 8 + 9) * 2 * 8 * 2);
    expect(all.floatFunctions).toBe(2 * (7 + 8 + 9) + 6 + 6);
    expect(attend(4, 1).kvBytes).toBe(2 * (5 * 3) * 2 * 8 * 2);
  });

  it('of a quantisation depends on its norm, of a pick on its temperature', () => {
    const quantise = (epsilon: number) => rule('vector.quantise')([0, 0, 0, 2, 10, 12, 10, floatBits(epsilon)]);
    expect(quantise(1e-5).floatMultiplies).toBe(4 * 20 + 10);
    expect(quantise(-1).floatMultiplies).toBe(20 + 4);
    const rules = workRules(odd, derive(odd));
    const pick = (temperature: number) => {
      rules['sampler.begin']?.([floatBits(temperature), 1, 0, 0]);
      return rules['sampler.pick']?.([])?.floatFunctions;
    };
    expect(pick(0)).toBe(0);
    expect(pick(0.5)).toBe(odd.sampler.candidates + 1);
  });
});

describe('work of a run', () => {
  const graph = shapeOnlyModel(parseConfig(encoder.encode(JSON.stringify(smallConfig)), 'config.json'), 'small');

  it.each(['tiny', 'odd', 'mid'])('agrees with what memory and the units of %s counted', (name) => {
    const hw = hardware(name);
    const done: [InstructionEvent, Work, number][] = [];
    const sink = {
      instruction: (event: InstructionEvent, work: Work = {}, fullRateCycles = 0) =>
        done.push([event, work, fullRateCycles]),
      token: () => {},
    };
    const request = { prompt: [1, 2, 3], maxNewTokens: 3, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
    const options = { values: false, dense: false, sinks: [sink] };
    const run = new Run(compile(graph, hw, { weights: 'none' }), hw, request, options);
    while (!run.advance(100_000));
    const { bytesByUnit } = run.traffic();
    const units = run.machine.counters.snapshot(run.machine.cycle);
    for (const unit of issueUnits.slice(1)) {
      const own = done.filter(([event]) => event.unit === unit);
      expect(own.reduce((sum, [, work]) => sum + (work.memoryBytes ?? 0), 0)).toBe(bytesByUnit[unit] ?? 0);
      expect(own.reduce((sum, [, , cycles]) => sum + cycles, 0)).toBe(units[unit]?.working ?? 0);
    }
    const words = done.filter(([event]) => event.unit === 'matmul');
    expect(words.length).toBeGreaterThan(10);
  });
});
