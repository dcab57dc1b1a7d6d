import type { Command, Timing } from '../kernel/command.ts';
import { portMask } from '../kernel/ports.ts';
import { PortTurns, type TransferStream } from '../kernel/transfer.ts';
import { type Surroundings, Unit } from '../kernel/unit.ts';

/**
 * KV store: on-chip keys and values, and the staging area for those that lie in memory.
 *
 * `append` converts rows of activations, N lanes per cycle; `fill` and `spill` move rows from and to memory.
 */
export class KvStore extends Unit {
  private readonly turns: PortTurns;
  /** Groups of `kvStreams` ports, for fills that take one. */
  private readonly groups: PortTurns;

  constructor(around: Surroundings) {
    super('kvStore', around.hw.kvStore.queueDepth, around);
    this.turns = new PortTurns(this.index, around.hw.memory.ports);
    this.groups = new PortTurns(0, around.hw.memory.ports / around.derived.kvStreams);
  }

  protected override ownState(): readonly string[] {
    return ['turns', 'groups'];
  }

  protected portsFor(command: Command): number {
    switch (command.spec.name) {
      case 'kvStore.append':
        return this.around.ports.act.read(command.values[0] as number) | portMask.kvWrite;
      case 'kvStore.fill':
        return portMask.kvWrite;
      case 'kvStore.spill':
        return portMask.kvRead;
      default:
        return 0;
    }
  }

  protected start(command: Command, cycle: number): Timing | undefined {
    switch (command.spec.name) {
      case 'kvStore.append':
        return this.append(command);
      case 'kvStore.fill':
      case 'kvStore.spill':
        return this.move(command, cycle);
      default:
        return { first: 1, finish: 1 };
    }
  }

  private append(command: Command): Timing {
    const { hw, derived } = this.around;
    const [, , rows, elements] = command.values as readonly [number, number, number, number];
    const { appendLatency } = derived;
    return {
      first: 1 + appendLatency,
      finish: rows * Math.ceil(elements / hw.vector.lanes) + appendLatency,
      pipeline: appendLatency,
    };
  }

  private move(command: Command, cycle: number): undefined {
    const write = command.spec.name === 'kvStore.spill';
    const [, remote, bytes, rows, stride] = command.values as readonly [number, number, number, number, number];
    const { loadLatency, requestLatency, storeLatency, portBytesPerCycle } = this.around.derived;
    const moving = Math.ceil((rows * bytes) / portBytesPerCycle);
    this.transfer(
      {
        write,
        gather: false,
        streams: this.isWide(command)
          ? this.wideStreams(remote, bytes)
          : [{ port: this.turns.next(), address: remote, rowBytes: bytes, rows, stride }],
        delay: write ? storeLatency : requestLatency,
      },
      { firstDelay: write ? 1 : loadLatency, lastDelay: write ? 1 : loadLatency, moving },
      cycle,
    );
    return undefined;
  }

  /** Whether a transfer takes several ports at once: a fill of one row of whole words of the store. */
  private isWide({ spec, values }: Command): boolean {
    const { kvStreams, kvWordBytes } = this.around.derived;
    const [dst, , bytes, rows] = values as readonly [number, number, number, number];
    const whole = dst % kvWordBytes === 0 && bytes % kvWordBytes === 0;
    return kvStreams > 1 && spec.name === 'kvStore.fill' && rows === 1 && whole;
  }

  /** The words dealt to the ports of a group in parts that follow each other, the first ones a word longer. */
  private wideStreams(remote: number, bytes: number): TransferStream[] {
    const { kvStreams, kvWordBytes } = this.around.derived;
    const words = bytes / kvWordBytes;
    const firstPort = kvStreams * this.groups.next();
    const streams: TransferStream[] = [];
    let address = remote;
    for (let stream = 0; stream < Math.min(kvStreams, words); stream++) {
      const rowBytes = kvWordBytes * Math.floor((words + kvStreams - 1 - stream) / kvStreams);
      streams.push({ port: firstPort + stream, address, rowBytes, rows: 1, stride: 0 });
      address += rowBytes;
    }
    return streams;
  }
}
