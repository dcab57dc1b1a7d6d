import { matmulStalls } from '../../hw/derive.ts';
import { type Alphabet, alphabets } from '../../hw/operands.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

/**
 * LUT matmul engine: T tables of G activations each are read by Q columns per cycle.
 *
 * Three stages work on three blocks at once: one block’s inputs are loaded, the tables of the one before are built, those
 * of the one before that are read. So a block takes max(load, build, planes × steps) cycles, for a group of
 * `rowsPerStep` rows together. Sums are exact integers, whatever the table form.
 */
export class Matmul extends Unit {
  constructor(around: Surroundings) {
    super('matmul', around.hw.matmul.queueDepth, around);
  }

  protected portsFor(command: Command): number {
    if (command.spec.name === 'matmul.sync') return 0;
    const weights = this.around.hw.weightBuffer.columnsPerBank === 2 ? portMask.weights : 0;
    return portMask.inputRead | portMask.accWrite | weights;
  }

  protected start(command: Command): Timing {
    if (command.spec.name === 'matmul.sync') return { first: 1, finish: 1 };
    const { derived } = this.around;
    const [, , , rows, blocks, steps, alphabet, planes] = command.values as readonly number[] as Operands;
    const { matmulLatency } = derived;
    const { buildCycles } = derived[alphabets[alphabet] as Alphabet];
    const { fill, stalls, reads } = matmulStalls({ rows, blocks, read: planes * steps, buildCycles }, derived);
    return {
      first: fill + 1 + matmulLatency,
      finish: stalls + reads + matmulLatency,
      tableBuild: stalls,
      pipeline: matmulLatency,
    };
  }
}

type Operands = readonly [number, number, number, number, number, number, number, number];
