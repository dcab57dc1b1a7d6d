import { sliceStrideBytes } from '../../hw/derive.ts';
import { type Alphabet, alphabets } from '../../hw/operands.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
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
    const { buffers, store, derived, values } = this.around;
    const [dst, src, words, alphabet] = command.values as readonly [number, number, number, number];
    const { loadLatency, requestLatency, portBytes, portBytesPerCycle, weightSlices } = derived;
    const { sliceBytes, wordBytes } = derived[alphabets[alphabet] as Alphabet];
    const stride = sliceStrideBytes(words, sliceBytes, portBytes);
    const rowBytes = words * sliceBytes;
    const moving = Math.ceil((words * wordBytes) / portBytesPerCycle);
    const streams = Array.from({ length: weightSlices }, (_, slice) => ({
      port: slice,
      address: src + slice * stride,
      rowBytes,
      rows: 1,
      stride: 0,
    }));
    this.around.requestTransfer(
      {
        user: this.index,
        write: false,
        gather: false,
        streams,
        delay: requestLatency,
        onFinished: (first, last) => this.finishTransfer(first + loadLatency, last + loadLatency, moving),
      },
      cycle,
    );
    if (values) buffers.weightAlphabets.fill(1 + alphabet, dst, dst + words);
    for (let slice = 0; values && slice < weightSlices; slice++) {
      const packed = store.read(src + slice * stride, rowBytes);
      let to = dst * derived.wordBytes + slice * sliceBytes;
      for (let from = 0; from < rowBytes; from += sliceBytes, to += derived.wordBytes) {
        for (let i = 0; i < sliceBytes; i++) buffers.weights[to + i] = packed[from + i]!;
      }
    }
    return undefined;
  }
}
