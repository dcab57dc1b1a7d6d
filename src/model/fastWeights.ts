/** `WeightKernels` by an instance of the WebAssembly module `packing` (src/numerics/packing/assembly). */
import { KernelMemory } from '../base/kernelMemory.ts';
import type { WeightKernels } from './weightKernels.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  prepare(): void;
  unpackTernary(from: number, count: number, shift: number, to: number): number;
  decodeBfloat16(from: number, count: number, to: number): number;
  sumBfloat16(from: number, count: number, sum: number): number;
  ternariseBfloat16(from: number, count: number, factor: number, to: number): number;
  syntheticTernary(tensorKey: number, first: number, rows: number, columns: number, to: number): void;
  syntheticDense(
    tensorKey: number,
    first: number,
    rows: number,
    columns: number,
    centre: number,
    spread: number,
    to: number,
  ): void;
}

/** The instance must belong to the caller's thread. */
export function fastWeightKernels(instance: WebAssembly.Instance): WeightKernels {
  const kernel = instance.exports as unknown as Exports;
  const memory = new KernelMemory(kernel.memory);
  kernel.prepare();
  const put = (bytes: Uint8Array, resultBytes: number): [number, number] => {
    const [from, to] = memory.places(bytes.length, resultBytes) as [number, number];
    memory.bytes(from, bytes.length).set(bytes);
    return [from, to];
  };
  const int8 = (at: number, length: number) => new Int8Array(memory.bytes(at, length).slice().buffer);
  const float32 = (at: number, length: number) => new Float32Array(memory.bytes(at, 4 * length).slice().buffer);
  return {
    unpackTernary(bytes, shift) {
      const [from, to] = put(bytes, bytes.length);
      return kernel.unpackTernary(from, bytes.length, shift, to) === 0 ? undefined : int8(to, bytes.length);
    },
    decodeBfloat16(bytes) {
      const count = bytes.length / 2;
      const [from, to] = put(bytes, 4 * count);
      return kernel.decodeBfloat16(from, count, to) === 0 ? undefined : float32(to, count);
    },
    sumBfloat16(bytes, sum) {
      const [from] = put(bytes, 0);
      return kernel.sumBfloat16(from, bytes.length / 2, sum);
    },
    ternariseBfloat16(bytes, factor) {
      const count = bytes.length / 2;
      const [from, to] = put(bytes, count);
      return kernel.ternariseBfloat16(from, count, factor, to) === 0 ? undefined : int8(to, count);
    },
    syntheticTernary(tensorKey, first, rows, columns) {
      const [to] = memory.places(rows * columns) as [number];
      kernel.syntheticTernary(tensorKey, first, rows, columns, to);
      return int8(to, rows * columns);
    },
    syntheticDense(tensorKey, first, rows, columns, { centre, spread }) {
      const [to] = memory.places(4 * rows * columns) as [number];
      kernel.syntheticDense(tensorKey, first, rows, columns, centre, spread, to);
      return float32(to, rows * columns);
    },
  };
}
