import type { Simulation } from 'verilator-wasm';
import { encodeFloat } from '../../src/base/float.ts';
import { derive } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';

type Name = 'act' | 'coef' | 'input' | 'acc';

/** The contents of the buffers in Verilog, element by element. */
export function bufferView(sim: Simulation, hw: HardwareModel) {
  const derived = derive(hw);
  const straddle = derived.accWordElements % hw.matmul.columns !== 0;
  const shapes = {
    act: { lanes: derived.actWordElements, words: derived.actWords, bits: hw.vector.format === 'float32' ? 32 : 16 },
    coef: { lanes: derived.coefWordElements, words: derived.coefWords, bits: 32 },
    input: { lanes: derived.inputWordElements, words: derived.inputWords, bits: 8 },
    acc: { lanes: derived.accWordElements, words: derived.accWords, bits: 32 },
  };
  const encode: Record<Name, (value: number) => number> = {
    act: (value) => encodeFloat(hw.vector.format, value),
    coef: (value) => encodeFloat('float32', value),
    input: (value) => value & 255,
    acc: (value) => value >>> 0,
  };
  const banks = Array.from({ length: hw.vector.activationBanks }, (_, bank) => bank);
  /** Both copies of acc; the banks of act, one behind the other. */
  const memories = (name: Name, lane: number): [path: string, lane: number][] => {
    if (name === 'act') return banks.map((bank) => [`u_buffers.g_act[${bank}].u_bank.mem`, lane]);
    if (name !== 'acc') return [[`u_buffers.u_${name}.mem`, lane]];
    if (!straddle)
      return [
        ['u_buffers.u_acc.mem', lane],
        ['u_buffers.u_acc_engine.mem', lane],
      ];
    return [
      [`u_buffers.g_acc[${lane}].u_shared.mem`, 0],
      [`u_buffers.g_acc[${lane}].u_engine.mem`, 0],
    ];
  };
  /** Bytes of a memory, and of one of its words. */
  const bytesOf = (path: string) => {
    const memory = sim.memory(path);
    const { view } = memory;
    const stride = view.byteLength / memory.depth;
    return { bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength), stride };
  };
  return {
    /** All zeros. */
    clear(name: Name): void {
      for (let lane = 0; lane < shapes[name].lanes; lane++) {
        for (const [path, at] of memories(name, lane)) if (at === 0) bytesOf(path).bytes.fill(0);
      }
    },
    /** Elements that are not as expected, the first ten. */
    differences(name: Name, expected: ArrayLike<number>): { index: number; bits: string; expected: string }[] {
      const list: { index: number; bits: string; expected: string }[] = [];
      const { bits, lanes, words } = shapes[name];
      for (let lane = 0; lane < lanes; lane++) {
        for (const [index, [path, at]] of memories(name, lane).entries()) {
          const { bytes, stride } = bytesOf(path);
          const depth = name === 'act' ? words / banks.length : words;
          const first = name === 'act' ? index * depth : 0;
          for (let word = first; word < first + depth && word * lanes + lane < expected.length; word++) {
            let found = 0;
            for (let byte = bits / 8 - 1; byte >= 0; byte--) {
              found = found * 256 + (bytes[(word - first) * stride + (at * bits) / 8 + byte] as number);
            }
            const wanted = encode[name](expected[word * lanes + lane] as number);
            if (found !== wanted && list.length < 10) {
              list.push({ index: word * lanes + lane, bits: found.toString(16), expected: wanted.toString(16) });
            }
          }
        }
      }
      return list;
    },
  };
}
