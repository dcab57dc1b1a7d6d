import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeFloat } from '../../src/base/float.ts';
import { derive } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { spaces } from '../../src/isa/table.ts';
import { decodeElements, encodeElements } from '../../src/machine/kernel/buffers.ts';
import { Ports, portMask } from '../../src/machine/kernel/ports.ts';
import { storeKv } from '../../src/numerics/attention.ts';
import { describeVerilog } from '../describeWith.ts';
import { Bench, buildBench, type Job, memoryBytes } from './memoryBench.ts';
import { opOf, randomBytes, rivalry, rivalsOf, wordsOf } from './memoryTraffic.ts';
import { smallModels } from './models.ts';

/** Random legal instructions of the KV store; memory is below half of `memoryBytes`. */
function instructions(hw: HardwareModel) {
  const { portBytes, kvElementBytes, kvWordBytes } = derive(hw);
  const { lanes } = hw.vector;
  const span = fc.record({
    verb: fc.constantFrom('append', 'fill', 'spill', 'sync'),
    length: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 60 })),
    rows: fc.integer({ min: 1, max: 5 }),
    local: fc.nat(200),
    remote: fc.nat(1000),
    slack: fc.nat(5),
    tail: fc.nat(),
    page: fc.boolean(),
    whole: fc.boolean(),
    gap: fc.oneof(fc.constant(0), fc.nat(20)),
  });
  return span.map(({ verb, length, rows: some, local, remote, slack, tail, page, whole, gap }) => {
    // Often one row of whole words, which goes through several ports where there are.
    const unit = whole ? kvWordBytes : portBytes;
    const rows = whole ? 1 : some;
    const bytes = length * unit;
    const stride = bytes + slack * portBytes;
    const address = page ? 4096 * (1 + (remote % 6)) - portBytes : remote * portBytes;
    // With one row the last beat may be in part.
    const elements = rows === 1 ? length * lanes - (tail % lanes) : length * lanes;
    const dst = local * lanes * kvElementBytes;
    return {
      verb,
      rows,
      bytes,
      stride,
      address,
      elements,
      dst,
      at: local * unit,
      src: remote * lanes,
      pitch: (length + slack) * lanes,
      gap,
    };
  });
}

/** The streams of a fill of one row, where it has several. */
function partsOf(hw: HardwareModel, at: number, address: number, bytes: number) {
  const { kvStreams, kvWordBytes } = derive(hw);
  if (kvStreams === 1 || at % kvWordBytes !== 0 || bytes % kvWordBytes !== 0) return undefined;
  const words = bytes / kvWordBytes;
  const even = Math.floor(words / kvStreams);
  const sizes = Array.from({ length: kvStreams }, (_, part) => even + (part < words % kvStreams ? 1 : 0));
  return sizes
    .map((size, part) => ({
      address: address + kvWordBytes * sizes.slice(0, part).reduce((sum, before) => sum + before, 0),
      rowBytes: size * kvWordBytes,
      rows: 1,
      stride: 0,
    }))
    .filter(({ rowBytes }) => rowBytes > 0);
}

const [tiny, odd, half] = smallModels as readonly [HardwareModel, HardwareModel, HardwareModel];

/** Words of the store of two beats and of four, so that fills take two ports and four. */
const wideModels: readonly HardwareModel[] = [
  { ...half, name: 'pairs', memory: { ...half.memory, ports: 4 } },
  {
    ...half,
    name: 'fours',
    memory: { ...half.memory, ports: 4, portBits: 64, burstBeats: 8, outstandingBursts: 2 },
  },
];

describeVerilog.each([tiny, odd, ...wideModels])('kvStore of $name', (hw) => {
  const derived = derive(hw);
  const built = buildBench(hw);

  it('appends, fills and spills in the same cycles as the machine', { timeout: 300_000 }, async () => {
    const module = await built;
    const property = fc.property(
      fc.array(instructions(hw), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      rivalry,
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 200 }), fc.nat(40)), { maxLength: 8 }),
      (list, seed, places, loads) => {
        const sim = module.instantiate();
        const image = randomBytes(memoryBytes, seed);
        const act = new Float32Array(hw.vector.activationElements);
        decodeElements(randomBytes(4 * act.length, ~seed), 'float32', hw, 'act', act, 0);
        const coef = new Float32Array(hw.vector.coefficientElements);
        const kv = new Uint8Array(hw.kvStore.bytes);
        const jobs: Job[] = [];
        for (const { verb, rows, bytes, stride, address, elements, dst, at, src, pitch, gap } of list) {
          const common = { unit: 'kvStore' as const, op: opOf(`kvStore.${verb}`), gap };
          if (verb === 'sync') {
            jobs.push({
              ...common,
              words: wordsOf('kvStore.sync', []),
              ports: 0,
              timing: { first: 1, finish: 1, pipeline: 0 },
              effect: () => {},
            });
          } else if (verb === 'append') {
            if (src + (rows - 1) * pitch + elements > act.length) continue;
            if (dst + rows * elements * derived.kvElementBytes > kv.length) continue;
            const beats = rows * Math.ceil(elements / hw.vector.lanes);
            const latency = derived.appendLatency;
            jobs.push({
              ...common,
              words: wordsOf('kvStore.append', [src, dst, rows, elements, pitch]),
              ports: new Ports(hw).act.read(src) | portMask.kvWrite,
              timing: { first: 1 + latency, finish: beats + latency, pipeline: latency },
              effect: () => storeKv(hw.kvStore.format, act, src, rows, elements, pitch, kv, dst),
            });
          } else {
            if (at + rows * bytes > kv.length || address + rows * stride > memoryBytes / 2) continue;
            const write = verb === 'spill';
            jobs.push({
              ...common,
              words: wordsOf(`kvStore.${verb}`, [at, address, bytes, rows, stride]),
              ports: write ? portMask.kvRead : portMask.kvWrite,
              transfer: {
                write,
                gather: false,
                stream: { address, rowBytes: bytes, rows, stride },
                wide: write || rows > 1 ? undefined : partsOf(hw, at, address, bytes),
              },
              effect: () => {
                for (let row = 0; row < rows; row++) {
                  const place = address + row * stride;
                  const onChip = kv.subarray(at + row * bytes, at + (row + 1) * bytes);
                  if (write) image.set(onChip, place);
                  else onChip.set(image.subarray(place, place + bytes));
                }
              },
            });
          }
        }
        // dma at the same time, in the other half of memory, so that the two wait for each other at the ports.
        for (const [write, elements, gap] of loads) {
          const address = memoryBytes / 2 + elements * derived.portBytes;
          jobs.push({
            unit: 'dma',
            op: opOf(write ? 'dma.store' : 'dma.load'),
            words: wordsOf('dma.load', [spaces.indexOf('coef'), 0, 0, address, elements, 1, 0, 0]),
            gap,
            ports: write ? portMask.coefRead : 0,
            transfer: { write, gather: false, stream: { address, rowBytes: 4 * elements, rows: 1, stride: 0 } },
            effect: () => {
              if (write) image.set(encodeElements(coef, 0, elements, 'float32'), address);
              else decodeElements(image.subarray(address, address + 4 * elements), 'float32', hw, 'coef', coef, 0);
            },
          });
        }
        const bench = new Bench(hw, sim, jobs, rivalsOf(hw, places));
        bench.image.set(image);
        const bits = hw.vector.format === 'float32' ? 32 : 16;
        const bytesOf = (path: string) => {
          const { view } = sim.memory(path);
          return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
        };
        bytesOf('u_buffers.u_coef.mem').fill(0);
        const kvBytes = () => bytesOf('u_kvStore.u_kv.mem');
        kvBytes().fill(0);
        const bankElements = act.length / hw.vector.activationBanks;
        for (let bank = 0; bank < hw.vector.activationBanks; bank++) {
          const stored = bytesOf(`u_buffers.g_act[${bank}].u_bank.mem`);
          const storedView = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
          for (let index = 0; index < bankElements; index++) {
            const value = encodeFloat(hw.vector.format, act[bank * bankElements + index] as number);
            if (bits === 32) storedView.setUint32(4 * index, value, true);
            else storedView.setUint16(2 * index, value, true);
          }
        }
        bench.reset();
        bench.run();
        expect(Buffer.from(bench.image).equals(Buffer.from(image)), 'memory').toBe(true);
        expect(Buffer.from(kvBytes().subarray(0, kv.length)).equals(Buffer.from(kv)), 'kv').toBe(true);
      },
    );
    fc.assert(property, { numRuns: 15 });
  });

  it('gives attention a word three cycles after its address', { timeout: 120_000 }, async () => {
    const sim = (await built).instantiate();
    const memory = sim.memory('u_kvStore.u_kv.mem');
    const words = Math.min(memory.depth, 9);
    const bytes = new Uint8Array(memory.view.buffer, memory.view.byteOffset, memory.view.byteLength);
    bytes.set(randomBytes(bytes.length & ~1, 5));
    const values = Array.from({ length: words }, (_, word) => memory.at(word).getBig());
    sim.port('rst_ni_i').set(1);
    for (let cycle = 0; cycle < words + 3; cycle++) {
      sim.port('kvStore_kv_read_enable_i').set(cycle < words ? 1 : 0);
      sim.port('kvStore_kv_read_address_i').set(cycle < words ? cycle : 0);
      sim.eval();
      if (cycle >= 3) expect(sim.port('kvStore_kv_read_data_o').getBig()).toBe(values[cycle - 3]);
      sim.tick();
    }
  });
});
