import type { Packets } from './packets.ts';

/** More than there can be counts that were posted and not taken yet. */
const ringLength = 1024;

/**
 * Who produced what an instruction waited for: the n-th count that is posted between two units is the n-th that is taken.
 * A flow ends only where it began: counts of instructions outside of the selection give none.
 */
export class Flows {
  private readonly units: number;
  private readonly posted: Float64Array;
  private readonly taken: Float64Array;
  /** Of each pair of units: whether its latest posts began a flow. */
  private readonly began: (Uint8Array | undefined)[];

  constructor(units: number) {
    this.units = units;
    this.posted = new Float64Array(units * units);
    this.taken = new Float64Array(units * units);
    this.began = new Array(units * units).fill(undefined);
  }

  /**
   * Adds the flows of an instruction of `unit` to the event that is being put together; null where it is not shown.
   * Instructions come in the order of their ends. Counts of the front end, unit 0, which has no slices, give none.
   */
  instruction(unit: number, wait: number, post: number, packets: Packets | null): void {
    for (let from = 1; wait >> from !== 0; from++) {
      if (!((wait >> from) & 1)) continue;
      const pair = from * this.units + unit;
      const number = this.taken[pair]!;
      this.taken[pair] = number + 1;
      if (packets && this.began[pair]?.[number % ringLength]) packets.flow(this.id(pair, number), true);
    }
    for (let to = 1; post >> to !== 0; to++) {
      if (!((post >> to) & 1)) continue;
      const pair = unit * this.units + to;
      const number = this.posted[pair]!;
      this.posted[pair] = number + 1;
      this.began[pair] ??= new Uint8Array(ringLength);
      const ring = this.began[pair] as Uint8Array;
      ring[number % ringLength] = packets ? 1 : 0;
      packets?.flow(this.id(pair, number), false);
    }
  }

  private id(pair: number, number: number): number {
    return number * this.units * this.units + pair + 1;
  }
}
