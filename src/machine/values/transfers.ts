/** What transfers move between memory and buffers. */
import type { HardwareModel } from '../../hw/schema.ts';
import { type Buffers, decodeElements, elementsOf, encodeElements } from '../kernel/buffers.ts';
import type { MemoryStore } from '../kernel/store.ts';
import { moveRun } from './operands.ts';

interface Inputs {
  readonly hw: HardwareModel;
  readonly buffers: Buffers;
  readonly store: MemoryStore;
}

/** `dma.load`, `dma.gather` and, with `write`, `dma.store`. */
export function moveRows({ hw, buffers, store }: Inputs, operands: readonly number[], write: boolean): void {
  const { space, format, local, localPitch, remote, remoteStride, elements, rowBytes, rows } = moveRun(operands);
  const buffer = elementsOf(buffers, space);
  if (!buffer) return;
  for (let row = 0; row < rows; row++) {
    const address = remote + row * remoteStride;
    const offset = local + row * localPitch;
    if (write) store.write(address, encodeElements(buffer, offset, elements, format));
    else decodeElements(store.read(address, rowBytes), format, hw, space, buffer, offset);
  }
}

/** `kvStore.fill` and, with `write`, `kvStore.spill`: the on-chip address comes first in both. */
export function moveStaged({ buffers, store }: Inputs, operands: readonly number[], write: boolean): void {
  const [local, remote, bytes, rows, stride] = operands as Five;
  for (let row = 0; row < rows; row++) {
    const onChip = buffers.kv.subarray(local + row * bytes, local + (row + 1) * bytes);
    const address = remote + row * stride;
    if (write) store.write(address, onChip);
    else onChip.set(store.read(address, bytes));
  }
}

type Five = readonly [number, number, number, number, number];
