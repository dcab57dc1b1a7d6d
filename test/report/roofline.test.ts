import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index.ts';
import { derive } from '../../src/hw/index.ts';
import { Run } from '../../src/machine/run.ts';
import { streamingBytesPerCycle } from '../../src/machine/streaming.ts';
import { parseConfig } from '../../src/model/config.ts';
import { shapeOnlyModel } from '../../src/model/index.ts';
import { rooflineOf } from '../../src/report/roofline.ts';
import { type OperationWork, workSink } from '../../src/report/work.ts';
import { type Work, type WorkKind, workKinds } from '../../src/trace/work.ts';
import { smallConfig } from '../cli/capture.ts';
import { hardware } from '../hw/models.ts';

const rates = { peakBytesPerCycle: 64, streamingBytesPerCycle: 50, macsPerCycle: 1040 };
const same = (value: number) => value;

function operation(some: Work, rest: Partial<OperationWork> = {}): OperationWork {
  const counts = Object.fromEntries(workKinds.map((kind) => [kind, some[kind] ?? 0])) as Record<WorkKind, number>;
  return { counts, fullRate: {}, busy: {}, ...rest };
}

describe('rooflineOf', () => {
  const work = {
    ffn: operation({ memoryBytes: 1000, macs: 4000 }, { fullRate: { matmul: 12 }, busy: { memory: 40, matmul: 30 } }),
    attention: operation({}, { fullRate: { attention: 60 }, busy: { attention: 80 } }),
  };

  it('bounds an operation by the resource that needs most, and a phase by the sum', () => {
    const { prefill, decode } = rooflineOf(rates, { work, cycles: 200 }, undefined, same);
    expect(decode).toBeNull();
    expect(prefill.operations.ffn).toMatchObject({ bytes: 1000, macsPerByte: 4, limit: 20, memoryAtPeak: 1000 / 64 });
    expect(prefill.operations.ffn).toMatchObject({ boundBy: 'memory', cycles: 40, reached: 0.5 });
    expect(prefill.operations.attention).toMatchObject({ boundBy: 'attention', limit: 60, cycles: 80, reached: 0.75 });
    expect(prefill.all).toMatchObject({ boundBy: 'attention', limit: 60, cycles: 200, reached: 0.3, macs: 4000 });
    expect(prefill.all.limits).toMatchObject({ memory: 20, matmul: 12, attention: 60, vector: 0 });
  });

  it('gives decoding per token', () => {
    const { decode } = rooflineOf(rates, { work: {}, cycles: 10 }, { work, cycles: 200, times: 2 }, same);
    expect(decode?.all).toMatchObject({ bytes: 500, limit: 30, cycles: 100, reached: 0.3 });
    expect(decode?.operations.ffn).toMatchObject({ macsPerByte: 4, limit: 10, cycles: 20, reached: 0.5 });
  });

  it('says nothing about what did nothing', () => {
    const { prefill } = rooflineOf(rates, { work: {}, cycles: 10 }, undefined, same);
    expect(prefill.all).toMatchObject({ boundBy: null, limit: 0, macsPerByte: null, reached: null });
  });
});

describe('the roofline of a run', () => {
  const config = parseConfig(new TextEncoder().encode(JSON.stringify(smallConfig)), 'config.json');
  const graph = shapeOnlyModel(config, 'small');

  it.each(['tiny', 'odd', 'mid', 'kv260'])('is not crossed on %s', (name) => {
    const hw = hardware(name);
    const image = compile(graph, hw, { weights: 'none' });
    const sink = workSink(image.metadata.operations);
    const request = { prompt: [1, 2, 3, 4], maxNewTokens: 4, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
    const run = new Run(image, hw, request, { values: false, dense: false, sinks: [sink] });
    while (!run.advance(100_000));
    const [first, last] = [run.tokens[0], run.tokens.at(-1)].map((token) => token?.cycle ?? 0) as [number, number];
    const derived = derive(hw);
    const limits = {
      peakBytesPerCycle: derived.portBytesPerCycle,
      streamingBytesPerCycle: streamingBytesPerCycle(hw),
      macsPerCycle: derived.wordDigits,
    };
    expect(limits.streamingBytesPerCycle).toBeLessThanOrEqual(limits.peakBytesPerCycle);
    const { prefill, decode } = sink.result();
    const roofline = rooflineOf(
      limits,
      { work: prefill, cycles: first },
      { work: decode, cycles: last - first, times: 3 },
      same,
    );
    for (const { all, operations } of [roofline.prefill, roofline.decode ?? roofline.prefill]) {
      expect(all.reached).toBeGreaterThan(0.005);
      for (const row of [all, ...Object.values(operations)]) expect(row.reached).toBeLessThanOrEqual(1);
      expect(Object.keys(operations)).toEqual(expect.arrayContaining(['qkv', 'attention', 'o', 'ffn', 'down', 'head']));
      for (const { limits: needed, macs } of Object.values(operations))
        expect(macs).toBeLessThanOrEqual(needed.matmul * limits.macsPerCycle);
    }
  });
});
