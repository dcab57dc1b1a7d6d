/** `PackKernels` by an instance of the WebAssembly module `packing` (assembly/index.ts). */
import { KernelMemory } from '../../base/kernelMemory.ts';
import type { TileSlices } from '../../hw/slices.ts';
import type { PackKernels, TileSource, WordLayout } from '../pack.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  packTernary(...operands: number[]): number;
  packBinary(...operands: number[]): number;
  quantiseRow(from: number, count: number, top: number, to: number): number;
  narrowBfloat16(from: number, count: number, to: number): void;
}

/** The instance must belong to the caller's thread. */
export function fastPackKernels(instance: WebAssembly.Instance): PackKernels {
  const kernel = instance.exports as unknown as Exports;
  const memory = new KernelMemory(kernel.memory);

  /** Puts a tile's weights at the beginning of their place, and zeros where its words will be. */
  const putTile = (
    layout: WordLayout,
    tile: TileSource<Int8Array | Int16Array>,
    { slices, bytes: sliceBytes }: TileSlices,
  ) => {
    const { columns, inputs, pitch, offset, weights } = tile;
    const own = weights.subarray(offset, columns === 0 ? offset : offset + (columns - 1) * pitch + inputs);
    const digitBytes = layout.sliceColumns * layout.tables * layout.group * weights.BYTES_PER_ELEMENT + 16;
    const [from, digits, out] = memory.places(own.byteLength, digitBytes, slices * sliceBytes) as [
      number,
      number,
      number,
    ];
    memory.bytes(from, own.byteLength).set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
    memory.bytes(out, slices * sliceBytes).fill(0);
    const shape = [pitch, columns, inputs, tile.blocks, tile.steps, layout.columns, layout.tables * layout.group];
    return { from, digits, out, shape };
  };

  return {
    ternaryWords(layout, tile, place) {
      const { from, digits, out, shape } = putTile(layout, tile, place);
      const { sliceColumns, sliceBytes } = layout;
      const slices = [sliceColumns, place.slices, sliceBytes.ternary, place.bytes];
      const wrong = kernel.packTernary(from, ...shape, ...slices, digits, out);
      return wrong === 0 ? memory.bytes(out, place.slices * place.bytes) : undefined;
    },
    binaryWords(layout, planes, tile, place) {
      const { from, digits, out, shape } = putTile(layout, tile, place);
      const { sliceColumns, sliceBytes } = layout;
      const slices = [sliceColumns, place.slices, sliceBytes.binary, place.bytes];
      const wrong = kernel.packBinary(from, ...shape, ...slices, planes, digits, out);
      return wrong === 0 ? memory.bytes(out, place.slices * place.bytes) : undefined;
    },
    oddRow(values, bits, levels) {
      const [from, to] = memory.places(values.byteLength, levels.byteLength) as [number, number];
      memory.bytes(from, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      const scale = kernel.quantiseRow(from, values.length, 2 ** bits - 1, to);
      const result = new Uint8Array(levels.buffer, levels.byteOffset, levels.byteLength);
      if (!Number.isNaN(scale)) result.set(memory.bytes(to, levels.byteLength));
      return scale;
    },
    writeBfloat16(values, out) {
      const [from, to] = memory.places(values.byteLength, 2 * values.length) as [number, number];
      memory.bytes(from, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      kernel.narrowBfloat16(from, values.length, to);
      out.set(memory.bytes(to, 2 * values.length));
    },
  };
}
