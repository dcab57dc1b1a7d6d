import fc from 'fast-check';
import type { CompiledModule } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { encodeFloat, roundTo } from '../../src/base/float.ts';
import { derive, type HardwareModel } from '../../src/hw/index.ts';
import { createBuffers } from '../../src/machine/kernel/buffers.ts';
import type { Command, Timing } from '../../src/machine/kernel/command.ts';
import { MemoryStore } from '../../src/machine/kernel/store.ts';
import type { Surroundings } from '../../src/machine/kernel/unit.ts';
import { Attention } from '../../src/machine/units/attention.ts';
import { PlainValues } from '../../src/machine/values/plain.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { command, compileUnit, UnitBench } from './actUnitBench.ts';

/** The machine's unit: its `start` computes an instruction's values and says how long it takes. */
interface Model {
  start(command: Command): Timing;
}

const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** What a number's bits are in every port; the sign of JavaScript's NaN is the host's. */
const canonicalBits = (values: Float32Array) =>
  [...bitsOf(values)].map((bits, i) => (Number.isNaN(values[i]) ? 0x7fc0_0000 : bits));

/** Instructions of one run of the test, with the shape that `configure` set. */
interface Script {
  readonly commands: readonly { readonly command: Command; readonly gap: number }[];
  readonly seed: number;
}

/** Runs a script on both sides. */
function compare(module: CompiledModule, hw: HardwareModel, { commands, seed }: Script): void {
  const derived = derive(hw);
  const buffers = createBuffers(hw, derived);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < buffers.act.length; i++) buffers.act[i] = roundTo(hw.vector.format, 4 * random() - 2);
  const bytes = derived.kvElementBytes;
  const view = new DataView(buffers.kv.buffer);
  for (let at = 0; at + bytes <= buffers.kv.length; at += bytes) {
    // Among ordinary numbers: equal ones, zeros of both signs, subnormals, and now and then an infinity or NaN.
    const kind = random();
    const value =
      kind < 0.03
        ? 0
        : kind < 0.05
          ? -0
          : kind < 0.06
            ? 1e-40
            : kind < 0.0605
              ? Infinity
              : kind < 0.061
                ? NaN
                : 4 * random() - 2;
    const bits = encodeFloat(hw.kvStore.format, value);
    if (bytes === 4) view.setUint32(at, bits, true);
    else view.setUint16(at, bits, true);
  }

  // The machine's side has its own act; the Verilog's is `act`, rounded on the way in as the buffer does.
  const act = buffers.act.slice();
  const values = new PlainValues({ hw, derived, buffers, store: new MemoryStore(0, []) });
  const model = new Attention({ hw, derived, values } as unknown as Surroundings) as unknown as Model;

  const { actWordElements, kvWordBytes } = derived;
  const actWord = (address: number) => {
    const word = new Uint32Array(actWordElements);
    word.set(bitsOf(act).subarray(address * actWordElements, (address + 1) * actWordElements));
    return word;
  };
  const kvWord = (address: number) => {
    const word = new Uint8Array(Math.max(4, kvWordBytes));
    word.set(buffers.kv.subarray(address * kvWordBytes, (address + 1) * kvWordBytes));
    return new Uint32Array(word.buffer);
  };
  const writes: { cycle: number; address: number }[] = [];
  const floats = new Float32Array(actWordElements);
  const bench = new UnitBench(
    module,
    [
      { enable: 'act_read_enable_o', address: 'act_read_address_o', data: 'act_read_data_i', word: actWord },
      { enable: 'kv_read_enable_o', address: 'kv_read_address_o', data: 'kv_read_data_i', word: kvWord },
    ],
    (cycle) => {
      const mask = bench.sim.port('act_write_mask_o').getBig();
      const address = bench.sim.port('act_write_address_o').get();
      const data = bench.sim.port('act_write_data_o');
      bitsOf(floats).set(actWordElements === 1 ? [data.get()] : data.words);
      for (let i = 0; i < actWordElements; i++) {
        if (((mask >> BigInt(i)) & 1n) === 1n)
          act[address * actWordElements + i] = roundTo(hw.vector.format, floats[i] as number);
        else expect(bitsOf(floats)[i], 'data that are not written').toBe(0);
      }
      if (mask === 0n) expect(address).toBe(0);
      else writes.push({ cycle, address });
    },
  );

  for (const { command: instruction, gap } of commands) {
    if (gap > 0) bench.idle(gap);
    writes.length = 0;
    values.execute(instruction);
    const timing = model.start(instruction);
    const ended = bench.run(instruction, timing.finish + 100);
    expect({ first: ended.first, finish: ended.finish }, instruction.spec.name).toEqual({
      first: timing.first,
      finish: timing.finish,
    });
    const pipeline = timing.pipeline ?? 0;
    expect(ended.classes).toEqual([timing.finish - pipeline, pipeline, 0, 0]);
    // What is presented in c is read by addresses from c + 2 on.
    for (const { cycle } of writes) expect(cycle).toBeLessThanOrEqual(timing.finish - 2);
    expect(canonicalBits(act)).toEqual(canonicalBits(buffers.act));
  }
}

/** Random legal instructions: several shapes of heads, each with several runs of positions. */
function scripts(hw: HardwareModel): fc.Arbitrary<Script> {
  const { lanes, stateElements, maxRows, scoreDepth } = hw.attention;
  const bytes = derive(hw).kvElementBytes;
  const unit = lanes * bytes;
  const kvUnits = Math.floor(hw.kvStore.bytes / unit);
  const actUnits = Math.floor(hw.vector.activationElements / lanes);
  const shape = fc
    .record({
      beats: fc.integer({ min: 1, max: Math.max(1, Math.min(256 / lanes, 6)) }),
      kvHeads: fc.integer({ min: 1, max: 2 }),
      share: fc.integer({ min: 1, max: 3 }),
      window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 })),
      sink: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 6 })),
      scale: fc.constantFrom(1, 0.25, -0.3, 3),
      queryAt: fc.nat(1000),
      far: fc.boolean(),
    })
    .filter(({ beats, kvHeads, share }) => beats * lanes * kvHeads * share <= stateElements);
  const attend = fc.record({
    rows: fc.integer({ min: 1, max: maxRows }),
    count: fc.integer({ min: 1, max: Math.min(20, scoreDepth) }),
    skip: fc.nat(4),
    lag: fc.integer({ min: -6, max: 8 }),
    place: fc.nat(10_000),
    first: fc.boolean(),
    last: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1, 5),
  });
  const part = fc.tuple(shape, fc.array(attend, { minLength: 1, maxLength: 4 }));
  return fc
    .record({ parts: fc.array(part, { minLength: 1, maxLength: 3 }), seed: fc.nat(1e9) })
    .map(({ parts, seed }) => {
      const commands: { command: Command; gap: number }[] = [];
      for (const [s, attends] of parts) {
        const heads = s.kvHeads * s.share;
        const headUnits = heads * s.beats;
        const mostRows = Math.max(
          1,
          Math.min(maxRows, Math.floor(stateElements / lanes / headUnits), Math.floor(actUnits / 2 / headUnits)),
        );
        const query = s.queryAt % Math.max(1, Math.floor(actUnits / 2) - mostRows * headUnits + 1);
        const output = Math.floor(actUnits / 2);
        const { headDimension, window, sink } = { headDimension: s.beats * lanes, window: s.window, sink: s.sink };
        commands.push({
          command: command(
            'attention.configure',
            heads,
            s.kvHeads,
            headDimension,
            window,
            sink,
            encodeFloat('float32', s.scale),
            query * lanes,
            output * lanes,
          ),
          gap: 0,
        });
        // Positions near 2³² must not wrap around.
        let position = s.far ? 4_000_000_000 : 0;
        for (const a of attends) {
          const pitch = s.kvHeads * s.beats;
          const count = Math.max(1, Math.min(a.count, Math.floor(kvUnits / 2 / pitch)));
          const room = kvUnits - count * pitch;
          const keys = a.place % (room + 1);
          const values = (a.place * 7 + 3) % (room + 1);
          const firstPosition = position + a.skip;
          const rows = Math.min(a.rows, mostRows);
          const queryPosition = Math.max(0, firstPosition + count - rows + a.lag - 3);
          const options = (a.first ? 1 : 0) | (a.last ? 2 : 0);
          commands.push({
            command: command(
              'attention.attend',
              keys * unit,
              values * unit,
              firstPosition,
              count,
              queryPosition,
              rows,
              options,
            ),
            gap: a.gap,
          });
          position = firstPosition + count;
        }
        commands.push({ command: command('attention.sync'), gap: 0 });
      }
      return { commands, seed };
    });
}

const machines: [name: string, hw: HardwareModel, runs: number][] = [
  ['tiny', hardware('tiny', 'attention.maxRows=1'), 15],
  ['odd', hardware('odd'), 25],
  [
    'four lanes, float16 activations, long adder',
    hardware(
      'odd',
      'attention.lanes=4',
      'vector.lanes=8',
      'vector.format=float16',
      'kvStore.format=float16',
      'vector.latency.add=6',
      'vector.latency.reciprocal=20',
      'vector.partialSums=8',
      'attention.partialSums=8',
      'matmul.inputElements=5000',
      'matmul.accumulatorElements=5040',
      'vector.activationElements=12000',
      'vector.coefficientElements=9000',
      'attention.stateElements=772',
      'kvStore.bytes=100000',
    ),
    20,
  ],
  [
    'one lane in a wide word',
    hardware('tiny', 'memory.portBits=128', 'kvStore.format=float32', 'attention.stateElements=777'),
    15,
  ],
];

describeVerilog.each(machines)('attention on %s', (_, hw, runs) => {
  let built: Promise<CompiledModule> | undefined;

  it('gives the results of the machine in its cycles', async () => {
    built ??= compileUnit('attention', hw);
    const module = await built;
    fc.assert(
      fc.property(scripts(hw), (script) => compare(module, hw, script)),
      { numRuns: runs, endOnFailure: true },
    );
  }, 120_000);
});
