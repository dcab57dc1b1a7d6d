import { derive } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { issueUnits } from '../isa/table.ts';
import { openMemory } from './memory/open.ts';

const bytesPerPort = 2 ** 18;
/** Rows of a bank between the regions of neighbouring ports, beside their own: whether streams meet in a bank depends on it. */
const distances = [0, 1, 2, 3, 5, 7];

/**
 * Bytes per cycle that memory brings at best: one long read that streams through all ports at once, each its own region.
 * Measured on the memory model, so everything that costs there (rows, refresh, gaps between bursts, latency under the
 * limit of outstanding bursts) is in it; the best of several placements. `module` is that of `MachineOptions`.
 */
export function streamingBytesPerCycle(hw: HardwareModel, module?: WebAssembly.Module): number {
  const rates = distances.map((rows) => rate(hw, bytesPerPort + rows * hw.memory.rowBytes, module));
  return Math.max(...rates);
}

function rate(hw: HardwareModel, distance: number, module: WebAssembly.Module | undefined): number {
  const { ports } = hw.memory;
  const bytes = Math.min(bytesPerPort, Math.floor(hw.memory.capacityBytes / (2 * ports)));
  const memory = openMemory(hw, derive(hw), module);
  let end = 0;
  memory.request(
    {
      user: issueUnits.indexOf('weightBuffer'),
      write: false,
      gather: false,
      streams: Array.from({ length: ports }, (_, port) => ({
        port,
        address: (port * distance) % (hw.memory.capacityBytes - bytes),
        rowBytes: bytes,
        rows: 1,
        stride: 0,
      })),
      delay: 1,
      onFinished: (_first, finished) => {
        end = finished;
      },
    },
    0,
  );
  while (memory.nextWake !== Number.POSITIVE_INFINITY) memory.advance(Number.POSITIVE_INFINITY);
  return (ports * bytes) / end;
}
