import { type Alphabet, alphabets } from '../../hw/operands.ts';
import { sliceOffset, tileSlices } from '../../hw/slices.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import type { TransferStream } from '../kernel/transfer.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

/**
 * Weight buffer: UltraRAM banks that stream in packed tiles while the matmul engine reads others.
 *
 * One word holds the table indices of Q columns × T tables, so the engine reads one word per cycle and no two columns
 * meet in a bank. In memory a word is cut into slices of a few columns, and each slice of a tile streams in through its
 * own port. A load is finished `loadLatency` after its last beat.
 */
export class WeightBuffer extends Unit {
  constructor(around: Surroundings) {
    super('weightBuffer', around.hw.weightBuffer.queueDepth, around);
  }

  protected portsFor(command: Command): number {
    const shared = this.around.hw.weightBuffer.columnsPerBank === 2 && command.spec.name !== 'weightBuffer.sync';
    return shared ? portMask.weights : 0;
  }

  protected start(command: Command, cycle: number): Timing | undefined {
    if (command.spec.name === 'weightBuffer.sync') return { first: 1, finish: 1 };
    const { derived } = this.around;
    const [, src, words, alphabet] = command.values as readonly [number, number, number, number];
    const { loadLatency, requestLatency, portBytesPerCycle, weightSlices } = derived;
    const { sliceBytes, wordBytes } = derived[alphabets[alphabet] as Alphabet];
    const tile = tileSlices(words, sliceBytes, derived);
    const { turns, turnBytes, lastBytes } = tile;
    const moving = Math.ceil((words * wordBytes) / portBytesPerCycle);
    const streams: TransferStream[] = [];
    for (let slice = 0; slice < weightSlices; slice++) {
      streams.push({
        port: slice,
        address: src + sliceOffset(tile, slice, 0),
        rowBytes: turnBytes,
        rows: turns,
        stride: weightSlices * turnBytes,
        last: { address: src + sliceOffset(tile, slice, turns * turnBytes), bytes: lastBytes },
      });
    }
    this.transfer(
      { write: false, gather: false, streams, delay: requestLatency },
      { firstDelay: loadLatency, lastDelay: loadLatency, moving },
      cycle,
    );
    return undefined;
  }
}
