import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { encodeFloat, roundTo } from '../../src/base/float.ts';
import { derive, type HardwareModel } from '../../src/hw/index.ts';
import { createBuffers } from '../../src/machine/kernel/buffers.ts';
import type { Command, Timing } from '../../src/machine/kernel/command.ts';
import { MemoryStore } from '../../src/machine/kernel/store.ts';
import type { Surroundings } from '../../src/machine/kernel/unit.ts';
import { Sampler } from '../../src/machine/units/sampler.ts';
import { PlainValues } from '../../src/machine/values/plain.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { command, compileUnit, UnitBench } from './actUnitBench.ts';

/** The machine's unit: an instruction's time, and what it does when it finishes. */
interface Model {
  start(command: Command): Timing;
  finished(command: Command, clock: Uint32Array): void;
}

interface Script {
  readonly commands: readonly { readonly command: Command; readonly gap: number }[];
  readonly seed: number;
  /** How different logits are. */
  readonly spread: number;
}

/** Runs a script on both sides; returns how many picks there were. */
function compare(module: CompiledModule, hw: HardwareModel, { commands, seed, spread }: Script): void {
  const derived = derive(hw);
  const buffers = createBuffers(hw, derived);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const specials = [NaN, -NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40];
  for (let i = 0; i < buffers.act.length; i++) {
    const value = random() < 0.05 ? (specials[Math.floor(8 * random())] as number) : spread * (random() - 0.5);
    // Few different values make ties.
    buffers.act[i] = roundTo(hw.vector.format, spread > 20 ? Math.round(value / 8) : value);
  }
  const picks: number[] = [];
  const mailbox = { hasRoom: () => true, put: (token: number) => picks.push(token) };
  const values = new PlainValues({ hw, derived, buffers, store: new MemoryStore(0, []) });
  const model = new Sampler({ hw, derived, values } as unknown as Surroundings, mailbox) as unknown as Model;

  const { actWordElements } = derived;
  const bits = new Uint32Array(buffers.act.buffer);
  const actWord = (address: number) => {
    const word = new Uint32Array(actWordElements);
    word.set(bits.subarray(address * actWordElements, (address + 1) * actWordElements));
    return word;
  };
  const bench = new UnitBench(
    module,
    [{ enable: 'act_read_enable_o', address: 'act_read_address_o', data: 'act_read_data_i', word: actWord }],
    () => {},
  );
  for (const { command: instruction, gap } of commands) {
    if (gap > 0) bench.idle(gap);
    values.execute(instruction);
    const timing = model.start(instruction);
    const ended = bench.run(instruction, timing.finish + 100);
    expect({ first: ended.first, finish: ended.finish }, instruction.spec.name).toEqual({
      first: timing.first,
      finish: timing.finish,
    });
    const pipeline = timing.pipeline ?? 0;
    expect(ended.classes).toEqual([timing.finish - pipeline, pipeline, 0, 0]);
    model.finished(instruction, instruction.clock as unknown as Uint32Array);
    const picked = bench.sim.port('pick_valid_o').get() === 1 ? [bench.sim.port('pick_token_o').get()] : [];
    expect(picked).toEqual(picks.splice(0));
  }
}

function scripts(hw: HardwareModel): fc.Arbitrary<Script> {
  const gap = fc.constantFrom(0, 0, 0, 1, 7);
  const scan = fc.record({
    elements: fc.integer({ min: 1, max: 40 }),
    at: fc.nat(4000),
    token: fc.nat(2 ** 32 - 1),
    gap,
  });
  const draw = fc.record({
    temperature: fc.oneof(
      fc.constantFrom(0, -1, -0, NaN, Infinity, 1e-40),
      fc.double({ min: 0.05, max: 4, noNaN: true }),
    ),
    topK: fc.integer({ min: 1, max: hw.sampler.candidates }),
    seed: fc.integer(),
    step: fc.nat(),
    scans: fc.array(scan, { minLength: 1, maxLength: 4 }),
    picks: fc.integer({ min: 1, max: 3 }),
    gap,
  });
  const select = fc.record({
    elements: fc.integer({ min: 1, max: 5 * hw.matmul.columns + 3 }),
    at: fc.nat(4000),
    bounds: fc.nat(4000),
    group: fc.nat(2 ** 32 - 1),
    first: fc.boolean(),
    gap,
  });
  const shortlist = fc.record({
    selects: fc.array(select, { maxLength: hw.sampler.shortlist === undefined ? 0 : 5 }),
    nexts: fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1), fc.boolean()), { maxLength: 12 }),
  });
  return fc
    .record({
      draws: fc.array(fc.tuple(draw, shortlist), { minLength: 1, maxLength: 4 }),
      seed: fc.nat(1e9),
      spread: fc.constantFrom(0.5, 6, 40),
    })
    .map(({ draws, seed, spread }) => {
      const commands: { command: Command; gap: number }[] = [];
      for (const [d, { selects, nexts }] of draws) {
        for (const { at, bounds, elements, group, first, gap: before } of selects) {
          commands.push({
            command: command('sampler.select', at, bounds, elements, group, first ? 1 : 0),
            gap: before,
          });
        }
        const begin = command('sampler.begin', encodeFloat('float32', d.temperature), d.topK, d.seed, d.step);
        commands.push({ command: begin, gap: d.gap });
        for (const s of d.scans)
          commands.push({ command: command('sampler.scan', s.at, s.elements, s.token), gap: s.gap });
        if (selects.length > 0) {
          // Exact logits come between searches, and now and then a begin that forgets them.
          for (const [best, scan] of nexts) {
            commands.push({ command: command('sampler.next', best), gap: best });
            const { at, elements, token } = d.scans[0] as (typeof d.scans)[number];
            if (scan) commands.push({ command: command('sampler.scan', at + 3, elements, token), gap: 0 });
          }
        }
        for (let i = 0; i < d.picks; i++) commands.push({ command: command('sampler.pick'), gap: i });
        commands.push({ command: command('sampler.sync'), gap: 0 });
      }
      return { commands, seed, spread };
    });
}

const machines: [name: string, hw: HardwareModel][] = [
  ['tiny, with one candidate', hardware('tiny')],
  ['odd, with three', hardware('odd')],
  ['tiny, with a shortlist of one group', hardware('tiny', 'sampler.shortlist=1')],
  ['odd, with a shortlist of five', hardware('odd', 'sampler.shortlist=5')],
  [
    'kv260, with a shortlist of 16',
    hardware('kv260', 'sampler.shortlist=16', 'sampler.candidates=2', 'vector.latency.exp=5'),
  ],
  [
    'odd, with 17 and long latencies',
    hardware('odd', 'sampler.candidates=17', 'vector.latency.add=4', 'vector.latency.reciprocal=30'),
  ],
];

describeVerilog.each(machines)('sampler on %s', (_, hw) => {
  it('gives the picks of the machine in its cycles', async () => {
    const module = await compileUnit('sampler', hw);
    fc.assert(
      fc.property(scripts(hw), (script) => compare(module, hw, script)),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);
});
