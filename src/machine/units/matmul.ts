import { LutraError } from '../../base/diagnostics.ts';
import { matmulStalls, sumPitchElements } from '../../hw/derive.ts';
import { alphabets } from '../../hw/operands.ts';
import { lutMatmul } from '../../numerics/matmul.ts';
import { type WordLayout, wordLayout } from '../../numerics/pack.ts';
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
  private readonly words: WordLayout;

  constructor(around: Surroundings) {
    super('matmul', around.hw.matmul.queueDepth, around);
    this.words = wordLayout(around.hw, around.derived);
  }

  protected portsFor(command: Command): number {
    if (command.spec.name === 'matmul.sync') return 0;
    const weights = this.around.hw.weightBuffer.columnsPerBank === 2 ? portMask.weights : 0;
    return portMask.inputRead | portMask.accWrite | weights;
  }

  protected start(command: Command): Timing {
    if (command.spec.name === 'matmul.sync') return { first: 1, finish: 1 };
    const { hw, derived, buffers, values } = this.around;
    const [input, weights, output, rows, blocks, steps, alphabetIndex, planes, options, inputPitch] =
      command.values as readonly number[] as Operands;
    const alphabet = alphabets[alphabetIndex] as (typeof alphabets)[number];
    if (values) {
      this.checkAlphabet(command, weights, blocks * planes * steps, alphabetIndex);
      lutMatmul(
        this.words,
        {
          alphabet,
          planes,
          blocks,
          steps,
          rows,
          inputPitch,
          outputPitch: sumPitchElements(steps, hw.matmul.columns, derived),
          accumulate: (options & 1) !== 0,
        },
        buffers.input,
        input,
        buffers.weights,
        weights * derived.wordBytes,
        derived.wordBytes,
        buffers.acc,
        output,
      );
    }
    const { matmulLatency } = derived;
    const { buildCycles } = derived[alphabet];
    const { fill, stalls, reads } = matmulStalls({ rows, blocks, read: planes * steps, buildCycles }, derived);
    return {
      first: fill + 1 + matmulLatency,
      finish: stalls + reads + matmulLatency,
      parts: new Map([
        ['tableBuild', stalls],
        ['pipeline', matmulLatency],
      ]),
    };
  }

  /** Throws LutraError MCH009 if words were loaded as those of another alphabet: their indices mean something else. */
  private checkAlphabet(command: Command, weights: number, words: number, alphabet: number): void {
    const loaded = this.around.buffers.weightAlphabets;
    for (let word = weights; word < weights + words; word++) {
      if (loaded[word] === 0 || loaded[word] === 1 + alphabet) continue;
      throw new LutraError({
        code: 'MCH009',
        message: `instruction ${command.pc} (matmul.run) takes weight word ${word} for ${alphabets[alphabet]}, but it was loaded as ${alphabets[loaded[word]! - 1]}`,
        hint: 'run words with the alphabet of their load',
      });
    }
  }
}

type Operands = readonly [number, number, number, number, number, number, number, number, number, number];
