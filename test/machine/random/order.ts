import { type Footprint, footprintsOverlap, issueUnits } from '../../../src/isa/index.ts';
import type { Random } from './source.ts';

const units = issueUnits.length;
const frontEnd = issueUnits.indexOf('frontEnd');

/** One instruction of a random program, and what it touches in all iterations of the loops around it. */
export interface Item {
  readonly unit: number;
  /** Front-end instructions that prepare its registers. */
  readonly before: readonly string[];
  readonly text: string;
  readonly footprints: readonly Footprint[];
}

/** A semaphore count that item `from` gives and item `to` takes. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** Whether two instructions may touch the same elements, one of them writing. */
function conflict(a: Item, b: Item): boolean {
  return a.footprints.some((x) => b.footprints.some((y) => (x.write || y.write) && footprintsOverlap(x, y)));
}

/**
 * Semaphores that order every conflict of a list of instructions, and a few more than that. An edge always goes from an
 * earlier instruction to a later one, and the edges of a pair of units never cross, so the k-th post belongs to the
 * k-th wait, and nothing can wait for ever.
 */
export function chooseEdges(items: readonly Item[], random: Random): Edge[] {
  const order = new Order(items);
  for (let to = 0; to < items.length; to++) {
    order.enter(to);
    const wanted = order.unordered(to);
    // Now and then a count that nothing needs.
    const other = random.integer(0, to);
    if (random.chance(0.15) && items[other]?.unit !== items[to]?.unit) wanted.push(other);
    // The latest first: it may bring the others with it.
    for (const from of wanted.sort((a, b) => b - a)) {
      if (!order.knows(to, from) || random.chance(0.1)) order.connect({ from, to });
    }
  }
  return order.edges;
}

/** Whether the edges order every conflict. */
export function isOrdered(items: readonly Item[], edges: readonly Edge[]): boolean {
  const order = new Order(items);
  for (let to = 0; to < items.length; to++) {
    order.enter(to);
    for (const edge of edges) if (edge.to === to) order.connect(edge);
    if (order.unordered(to).length > 0) return false;
  }
  return true;
}

/** Happens-before among the items entered so far, as vector clocks of item numbers + 1. */
class Order {
  readonly edges: Edge[] = [];
  private readonly items: readonly Item[];
  private readonly clocks: Int32Array[] = [];
  private readonly latest: (Int32Array | undefined)[] = new Array(units).fill(undefined);
  private pick: Int32Array | undefined;
  /** By pair of units: the last item that posts, and the last that waits. */
  private readonly posted = new Int32Array(units * units).fill(-1);
  private readonly waited = new Int32Array(units * units).fill(-1);

  constructor(items: readonly Item[]) {
    this.items = items;
  }

  /**
   * Item `index` comes after its unit’s last one and after what the front end knew when it issued it; a `recv` after the
   * pick, or the next group, that it waits for.
   */
  enter(index: number): void {
    const { unit, text } = this.items[index] as Item;
    const clock = new Int32Array(units);
    const pick = text.startsWith('recv') ? this.pick : undefined;
    for (const before of [this.latest[unit], this.latest[frontEnd], pick]) if (before) join(clock, before);
    clock[unit] = index + 1;
    this.clocks[index] = clock;
    this.latest[unit] = clock;
    if (/^sampler\.(pick|next)/.test(text)) this.pick = clock;
  }

  knows(index: number, other: number): boolean {
    const { unit } = this.items[other] as Item;
    return ((this.clocks[index] as Int32Array)[unit] as number) > other;
  }

  /** Earlier items that `index` conflicts with and does not know to be finished. */
  unordered(index: number): number[] {
    const item = this.items[index] as Item;
    const found: number[] = [];
    for (let other = 0; other < index; other++) {
      const earlier = this.items[other] as Item;
      if (earlier.unit !== item.unit && !this.knows(index, other) && conflict(earlier, item)) found.push(other);
    }
    return found;
  }

  /** Adds an edge, unless it would cross another or use a semaphore twice. */
  connect(edge: Edge): void {
    const pair = (this.items[edge.from] as Item).unit * units + (this.items[edge.to] as Item).unit;
    if (edge.from <= (this.posted[pair] as number) || edge.to <= (this.waited[pair] as number)) return;
    this.posted[pair] = edge.from;
    this.waited[pair] = edge.to;
    this.edges.push(edge);
    join(this.clocks[edge.to] as Int32Array, this.clocks[edge.from] as Int32Array);
  }
}

function join(target: Int32Array, other: Int32Array): void {
  for (let unit = 0; unit < units; unit++) {
    if ((other[unit] as number) > (target[unit] as number)) target[unit] = other[unit] as number;
  }
}

/** The lines of a list of instructions with these edges. */
export function render(items: readonly Item[], edges: readonly Edge[]): string[] {
  const names = (indices: readonly number[]) =>
    [...new Set(indices.map((index) => issueUnits[(items[index] as Item).unit]))].join(', ');
  return items.flatMap(({ before, text }, index) => {
    const waits = edges.filter(({ to }) => to === index).map(({ from }) => from);
    const posts = edges.filter(({ from }) => from === index).map(({ to }) => to);
    const wait = waits.length > 0 ? ` @wait(${names(waits)})` : '';
    const post = posts.length > 0 ? ` @post(${names(posts)})` : '';
    return [...before, `${text}${wait}${post}`];
  });
}
