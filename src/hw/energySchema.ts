/** The section `energy` of a hardware model: what an estimate of energy is computed from (docs/energy.md). */
import { z } from 'zod';

const picojoules = (description: string) => z.number().min(0).max(100_000).describe(`${description} [pJ]`);

export const energySchema = z
  .strictObject({
    boardWatts: z
      .number()
      .min(0)
      .max(1000)
      .describe(
        'what the board draws with the clock of the accelerator stopped: processor, memory at rest, leakage [W]',
      ),
    fabricFactor: z
      .number()
      .min(0)
      .max(10_000)
      .describe(
        'multiplies all energies below except those of memory and of the clock: fabric against the silicon that the figures are of',
      ),
    flipFlopClock: picojoules('one flip-flop in one cycle, its share of the clock tree included'),
    memoryByte: picojoules('one byte read from or written to external memory, interface and controller included'),
    portByte: picojoules('one byte through a memory port and across the fabric'),
    ultraRamByte: picojoules('one byte read from or written to UltraRAM'),
    blockRamByte: picojoules('one byte read from or written to block RAM'),
    lookup: picojoules('one table entry read by the matmul engine'),
    tableEntry: picojoules('one table entry written'),
    integerAdd: picojoules('one integer addition or comparison'),
    floatAdd: picojoules('one float addition or comparison'),
    floatMultiply: picojoules('one float multiplication'),
    floatFunction: picojoules('one reciprocal, inverse root or exponential'),
    conversion: picojoules('one conversion between integer and float, or float formats'),
  })
  .describe('energy: what an estimate of energy is computed from; leave out where nothing is known');
