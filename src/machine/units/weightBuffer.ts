import { alphabets } from '../../hw/operands.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

/**
 * Weight buffer: UltraRAM banks that stream in packed tiles while the matmul engine reads others.
 *
 * One word holds the table indices of Q columns × T tables, so the engine reads one word per cycle and no two columns
 * meet in a bank. A load is finished one cycle after its last beat.
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
    const { buffers, store, derived, values } = this.around;
    const [dst, src, words, alphabet] = command.values as readonly [number, number, number, number];
    const { wordBytes } = alphabets[alphabet] === 'ternary' ? derived.ternary : derived.binary;
    const bytes = words * wordBytes;
    const moving = Math.ceil(bytes / derived.portBytesPerCycle);
    this.around.requestTransfer(
      {
        user: this.index,
        write: false,
        gather: false,
        address: src,
        rowBytes: bytes,
        rows: 1,
        stride: 0,
        onFinished: (first, finish) => this.finishTransfer(first + 1, finish + 1, moving),
      },
      cycle,
    );
    if (values) {
      const packed = store.read(src, bytes);
      if (wordBytes === derived.wordBytes) buffers.weights.set(packed, dst * wordBytes);
      else {
        for (let word = 0; word < words; word++) {
          const source = packed.subarray(word * wordBytes, (word + 1) * wordBytes);
          buffers.weights.set(source, (dst + word) * derived.wordBytes);
        }
      }
    }
    return undefined;
  }
}
