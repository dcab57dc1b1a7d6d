/** `WeightKernels` by an instance of the WebAssembly module `packing` (src/numerics/packing/assembly). */
import { KernelMemory } from '../base/kernelMemory.ts';
import type { Span, WeightKernels } from './weightKernels.ts';

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
  /** Reads a span into its place; the other place is for the result. */
  const put = ({ bytes, fill }: Span, resultBytes: number): [number, number] => {
    const [from, to] = memory.places(bytes, resultBytes) as [number, number];
    fill(memory.bytes(from, bytes));
    return [from, to];
  };
  const take = (at: number, into: Int8Array | Float32Array) => {
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(memory.bytes(at, into.byteLength));
  };
  return {
    unpackTernary(span, shift, into) {
      const [from, to] = put(span, into.byteLength);
      const legal = kernel.unpackTernary(from, span.bytes, shift, to) !== 0;
      take(to, into);
      return legal;
    },
    decodeBfloat16(span, into) {
      const [from, to] = put(span, into.byteLength);
      const finite = kernel.decodeBfloat16(from, into.length, to) !== 0;
      take(to, into);
      return finite;
    },
    sumBfloat16(span, sum) {
      const [from] = put(span, 0);
      return kernel.sumBfloat16(from, span.bytes / 2, sum);
    },
    ternariseBfloat16(span, factor, into) {
      const [from, to] = put(span, into.byteLength);
      const finite = kernel.ternariseBfloat16(from, into.length, factor, to) !== 0;
      take(to, into);
      return finite;
    },
    syntheticTernary({ key, first, rows, columns }, into) {
      const [to] = memory.places(into.byteLength) as [number];
      kernel.syntheticTernary(key, first, rows, columns, to);
      take(to, into);
    },
    syntheticDense({ key, first, rows, columns }, { centre, spread }, into) {
      const [to] = memory.places(into.byteLength) as [number];
      kernel.syntheticDense(key, first, rows, columns, centre, spread, to);
      take(to, into);
    },
  };
}
