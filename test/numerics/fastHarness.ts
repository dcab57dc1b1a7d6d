import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type AssemblyName, assembly } from '../../src/cli/assembly.ts';
import { type Derived, derive } from '../../src/hw/derive.ts';
import { loadHardwareModel } from '../../src/hw/index.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { createFastBuffers, createKernels, type Execute, type FastBuffers } from '../../src/numerics/fast.ts';
import { recordWords } from '../../src/numerics/fastRecords.ts';
import { hasRelaxedSimd, hasSimd } from '../../src/numerics/simd.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd');

/** The modules that this host can run, by name. */
export const modules = new Map<AssemblyName, WebAssembly.Module>();
for (const name of ['values', 'relaxedValues'] as const) {
  if (name === 'values' ? !hasSimd() : !hasRelaxedSimd()) continue;
  modules.set(name, new WebAssembly.Module(new Uint8Array(await assembly(name))));
}

const file = 'hw-models/kv260.json';
export const flagship = loadHardwareModel(readFileSync(file, 'utf8'), file, []);

type Part<Name extends keyof HardwareModel> = Partial<HardwareModel[Name]>;

/** The flagship with other figures. */
export function machineWith(parts: {
  readonly memory?: Part<'memory'>;
  readonly matmul?: Part<'matmul'>;
  readonly vector?: Part<'vector'>;
  readonly attention?: Part<'attention'>;
  readonly kvStore?: Part<'kvStore'>;
  readonly sampler?: Part<'sampler'>;
}): HardwareModel {
  const hw: Record<string, object> = { ...flagship } as unknown as Record<string, object>;
  for (const [name, part] of Object.entries(parts)) hw[name] = { ...hw[name], ...part };
  return hw as unknown as HardwareModel;
}

/** A machine's buffers in a memory of their own, with each of the modules. */
export interface FastMachine {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly memory: WebAssembly.Memory;
  readonly buffers: FastBuffers;
  readonly allocate: (bytes: number, alignment?: number) => number;
  /** Encodes a record and does its chunks, last chunk first, with two threads' scratch memories in turn. */
  readonly execute: (kernels: AssemblyName, encode: (words: Int32Array, at: number) => void, chunks?: number) => void;
}

const pageBytes = 65_536;

export function fastMachine(hw: HardwareModel): FastMachine {
  const derived = derive(hw);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true });
  let next = 1024;
  const allocate = (bytes: number, alignment = 16) => {
    const address = Math.ceil(next / alignment) * alignment;
    next = address + bytes;
    const missing = Math.ceil((next - memory.buffer.byteLength) / pageBytes);
    if (missing > 0) memory.grow(missing);
    return address;
  };
  const buffers = createFastBuffers(hw, derived, memory, allocate, 2);
  const record = allocate(4 * recordWords);
  const instances = new Map<AssemblyName, Execute>();
  return {
    hw,
    derived,
    memory,
    buffers,
    allocate,
    execute: (name, encode, wanted) => {
      let run = instances.get(name);
      if (!run) {
        run = createKernels(modules.get(name)!, memory);
        instances.set(name, run);
      }
      const words = new Int32Array(memory.buffer, record, recordWords);
      encode(words, 0);
      if (wanted !== undefined) words[1] = wanted;
      for (let chunk = words[1]! - 1; chunk >= 0; chunk--) run(buffers.machine, record, chunk, chunk & 1);
    },
  };
}

/** A generator of small pseudo-random integers, so that big cases need no shrinking of every element. */
export function noise(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);
const special = [0, -0, Infinity, -Infinity, NaN, 1e-45, -1e-40, 2 ** -14, 2 ** -24, 65504, 65520, 3.4e38, -3.4e38];

/** A float32: of ordinary size, small or large ones with `spread`, and now and then any bits at all with `wild`. */
export function someFloat(random: (below: number) => number, spread: boolean, wild: boolean): number {
  if (wild && random(16) === 0) return special[random(special.length)]!;
  if (wild && random(8) === 0) {
    singleBits[0] = random(2 ** 32);
    return single[0]!;
  }
  const exponent = spread ? random(60) - 40 : random(6) - 3;
  return Math.fround((random(2 ** 25) - 2 ** 24) * 2 ** (exponent - 24));
}

/** The bits of numbers, with one NaN. */
export function bitsOf(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    single[0] = values[i]!;
    bits[i] = Number.isNaN(values[i]) ? 0x7fc00000 : singleBits[0]!;
  }
  return bits;
}
