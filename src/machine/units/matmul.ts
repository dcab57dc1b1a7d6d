import { alphabets } from '../../hw/operands.ts';
import { lutMatmul } from '../../numerics/matmul.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

/**
 * LUT matmul engine: T tables of G activations each are read by Q columns per cycle.
 *
 * The tables are double-buffered: while one block is read, the next block’s tables are built, so a block takes
 * max(planes × steps, build) cycles. Sums are exact integers, whatever the table form.
 */
export class Matmul extends Unit {
  constructor(around: Surroundings) {
    super('matmul', around.hw.matmul.queueDepth, around);
  }

  protected portsFor(command: Command): number {
    const shared = this.around.hw.weightBuffer.columnsPerBank === 2 && command.spec.name !== 'matmul.sync';
    return shared ? portMask.weights : 0;
  }

  protected start(command: Command): Timing {
    if (command.spec.name === 'matmul.sync') return { first: 1, finish: 1 };
    const { hw, derived, buffers, values } = this.around;
    const [input, weights, output, rows, blocks, steps, alphabetIndex, planes, options, inputPitch] =
      command.values as readonly number[] as Operands;
    const alphabet = alphabets[alphabetIndex] as (typeof alphabets)[number];
    if (values) {
      lutMatmul(
        hw.matmul,
        { alphabet, planes, blocks, steps, rows, inputPitch, accumulate: (options & 1) !== 0 },
        buffers.input,
        input,
        buffers.weights,
        weights * derived.wordBytes,
        derived.wordBytes,
        buffers.acc,
        output,
      );
    }
    const build = derived[alphabet].buildCycles;
    const read = planes * steps;
    const tables = rows * blocks;
    const stalls = build + (tables - 1) * Math.max(0, build - read);
    return {
      first: build + derived.matmulLatency,
      finish: stalls + tables * read + derived.matmulLatency,
      parts: new Map([
        ['tableBuild', stalls],
        ['pipeline', derived.matmulLatency],
      ]),
    };
  }
}

type Operands = readonly [number, number, number, number, number, number, number, number, number, number];
