import { memoryFormatBytes } from '../../isa/footprint.ts';
import { type MemoryFormat, memoryFormats, type Space, spaces } from '../../isa/table.ts';
import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { PortTurns } from '../kernel/transfer.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

const storePorts: Partial<Record<Space, number>> = {
  coef: portMask.coefRead,
  input: portMask.inputRead,
  acc: portMask.accRead,
};
/** Nobody else writes `coef`. */
const loadPorts: Partial<Record<Space, number>> = {
  input: portMask.inputWrite,
  acc: portMask.accWrite,
};

/**
 * dma: two-dimensional transfers between memory and the activation, coefficient, input and accumulator buffers.
 *
 * A load is finished `loadLatency` after its last beat, a store one cycle after memory has taken its last burst.
 */
export class Dma extends Unit {
  private readonly turns: PortTurns;

  constructor(around: Surroundings) {
    super('dma', around.hw.dma.queueDepth, around);
    this.turns = new PortTurns(this.index, around.hw.memory.ports);
  }

  protected override ownState(): readonly string[] {
    return ['turns'];
  }

  protected portsFor(command: Command): number {
    if (command.spec.name === 'dma.sync') return 0;
    const space = spaces[command.values[0] as number] as Space;
    const store = command.spec.name === 'dma.store';
    const local = command.values[2] as number;
    if (space === 'act') return store ? this.around.ports.act.read(local) : this.around.ports.act.write(local);
    return (store ? storePorts : loadPorts)[space] ?? 0;
  }

  protected start(command: Command, cycle: number): Timing | undefined {
    if (command.spec.name === 'dma.sync') return { first: 1, finish: 1 };
    const [, format, , remote, elements, rows, remoteStride] = command.values as Operands;
    const write = command.spec.name === 'dma.store';
    const rowBytes = elements * memoryFormatBytes[memoryFormats[format] as MemoryFormat];
    const { loadLatency, requestLatency, storeLatency, portBytesPerCycle } = this.around.derived;
    const moving = Math.ceil((rows * rowBytes) / portBytesPerCycle);
    this.transfer(
      {
        write,
        gather: command.spec.dataAddress === true,
        streams: [{ port: this.turns.next(), address: remote, rowBytes, rows, stride: remoteStride }],
        delay: write ? storeLatency : requestLatency,
      },
      { firstDelay: write ? 1 : loadLatency, lastDelay: write ? 1 : loadLatency, moving },
      cycle,
    );
    return undefined;
  }
}

type Operands = readonly [number, number, number, number, number, number, number];
