/**
 * Random programs that are correct by construction: every address is inside of its area, every conflict is ordered by
 * semaphores, every loop ends, nothing waits for ever. They use all units, registers, loops, branches, marks, masks and
 * formats, and at their end they leave everything that they computed in memory.
 *
 * A program is a tree of regions, loops and branches. Within a region streams of instructions are interleaved and get
 * the semaphores that they need; at its end all units meet.
 */
import { sumAlignmentElements, sumPitchElements } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { issueUnits, spaces } from '../../src/isa/index.ts';
import { chooseEdges, type Item, render } from './random/order.ts';
import { Random, randomHardware } from './random/source.ts';
import {
  attention,
  control,
  keyValues,
  pause,
  product,
  type Stream,
  sampling,
  transfer,
  vector,
} from './random/streams.ts';
import { type Loop, Workshop } from './random/workshop.ts';

export { randomHardware };

export interface RandomProgram {
  /** Assembly. */
  readonly source: string;
  /** Words for the host’s command block, from byte 0; the program reads some of them. */
  readonly commandWords: readonly number[];
  /** The memory that the program wrote. */
  readonly results: readonly { readonly name: string; readonly address: number; readonly bytes: number }[];
}

/** `size` scales the number of regions; 1 gives programs of some thousand cycles. */
export function randomProgram(seed: number, hw: HardwareModel, size = 1): RandomProgram {
  const random = new Random(seed);
  const shop = new Workshop(random, hw);
  const author = new Author(shop);
  const body = Array.from({ length: Math.max(1, Math.round(size * random.integer(1, 3))) }, () =>
    author.node(0),
  ).flat();
  const memory = [...shop.memory.values()];
  const lines = [
    '.command 4',
    ...memory.flatMap(({ declaration }) => declaration),
    ...author.prologue(),
    ...body,
    ...author.epilogue(),
    'halt',
  ];
  return {
    source: `${lines.join('\n')}\n`,
    commandWords: Array.from({ length: 20 }, () => random.bits()),
    results: memory.flatMap(({ name, start, size: bytes, written }) =>
      written ? [{ name, address: start, bytes }] : [],
    ),
  };
}

/** One region of streams, for tests of the order of its instructions. */
export function randomRegion(seed: number, hw: HardwareModel): { shop: Workshop; items: Item[]; random: Random } {
  const random = new Random(seed);
  const shop = new Workshop(random, hw);
  return { shop, items: interleave(chooseStreams(shop), random), random };
}

const queues = issueUnits.filter((unit) => unit !== 'frontEnd');
const firstPointer = 12;
const firstCounter = 10;
const pointersPerLoop = 3;

class Author {
  private readonly shop: Workshop;
  private labels = 0;

  constructor(shop: Workshop) {
    this.shop = shop;
  }

  /** A region, or a loop or branch around some. */
  node(depth: number): string[] {
    const { random } = this.shop;
    const choice = random.integer(0, 9);
    if (choice <= 1 && depth < 2) return this.loop(depth);
    if (choice === 2) return this.branch(depth);
    if (choice === 3) return this.weightStream();
    return this.region();
  }

  private label(): string {
    return `L${this.labels++}`;
  }

  private region(): string[] {
    const items = interleave(chooseStreams(this.shop), this.shop.random);
    return [...render(items, chooseEdges(items, this.shop.random)), ...this.meeting()];
  }

  /** A list of instructions of which each waits for those it depends on, and then all units meet. */
  private ordered(items: readonly (Item | undefined)[]): string[] {
    const made = items.filter((item) => item !== undefined);
    return [...render(made, chooseEdges(made, this.shop.random)), ...this.meeting()];
  }

  /** Everything before it comes before everything behind it: through the front end, or from unit to unit. */
  private meeting(): string[] {
    if (this.shop.random.chance(0.5)) {
      return [...queues.map((unit) => `${unit}.sync @post(frontEnd)`), `sync @wait(${queues.join(', ')})`];
    }
    const others = (unit: string) => queues.filter((other) => other !== unit).join(', ');
    return [
      ...queues.map((unit) => `${unit}.sync @post(${others(unit)})`),
      ...queues.map((unit) => `${unit}.sync @wait(${others(unit)})`),
    ];
  }

  private loop(depth: number): string[] {
    const { shop } = this;
    const { random } = shop;
    const { portBytes } = shop.shape.derived;
    const step = random.pick([Math.max(4, shop.hw.vector.lanes), Math.max(portBytes, shop.hw.vector.lanes)]);
    const counter = firstCounter + depth;
    const count = random.integer(1, 3);
    const pointers = Array.from({ length: pointersPerLoop }, (_, index) => ({
      register: firstPointer + depth * pointersPerLoop + index,
      start: random.integer(-100, 4000),
      stride: index === 0 ? random.integer(1, 2) : step * random.pick([-1, 1, 2]),
    }));
    const loop: Loop = { counter, count, pointers };
    const start = this.label();
    shop.loops = [...shop.loops, loop];
    const body = Array.from({ length: random.small(1, 2) }, () => this.node(depth + 1)).flat();
    shop.loops = shop.loops.slice(0, -1);
    return [
      `li r${counter}, ${count}`,
      ...pointers.map(({ register, start: value }) => `li r${register}, ${value}`),
      `${start}:`,
      ...body,
      ...pointers.map(({ register, stride }) => `add r${register}, r${register}, ${stride}`),
      `loop r${counter}, ${start}`,
    ];
  }

  /** One of two ways, by a word of the command block or the parity of a loop counter. */
  private branch(depth: number): string[] {
    const { random, loops } = this.shop;
    const loop = loops.at(-1);
    const other = this.label();
    const end = this.label();
    return [
      loop && random.chance(0.7) ? `and r9, r${loop.counter}, 1` : `ld r9, ${4 * random.integer(0, 19)}`,
      `${random.pick(['beq', 'bne', 'blt', 'bge'])} r9, ${random.pick([0, 1])}, ${other}`,
      ...(random.chance(0.8) ? this.node(depth + 1) : []),
      `jmp ${end}`,
      `${other}:`,
      ...(random.chance(0.8) ? this.node(depth + 1) : []),
      `${end}:`,
    ];
  }

  /** Tiles that stream through two halves of the weight buffer while the engine multiplies. */
  private weightStream(): string[] {
    const { shop } = this;
    const { random, hw } = shop;
    const { derived } = shop.shape;
    const blocks = random.integer(1, 2);
    const steps = random.integer(1, 3);
    const words = blocks * steps;
    const half = Math.ceil(words / shop.weightAlignment) * shop.weightAlignment;
    const area = shop.weightArea('ternary');
    if (2 * half > area.size) return this.region();
    const weights = shop.addressIn(area, 2 * half, shop.weightAlignment);
    const input = shop.address('input', blocks * derived.blockInputs);
    const output = shop.address(
      'acc',
      sumPitchElements(steps, hw.matmul.columns, derived),
      sumAlignmentElements(hw.matmul.columns, derived),
    );
    const ternary = shop.memory.get('ternary') as { start: number };
    const again = this.label();
    return [
      'matmul.sync @post(weightBuffer)',
      'matmul.sync @post(weightBuffer)',
      `li r28, ${weights}`,
      `li r29, ${random.integer(1, 5)}`,
      `li r30, ${Math.ceil(ternary.start / derived.portBytes) * derived.portBytes}`,
      `${again}:`,
      `weightBuffer.load dst=r28, src=r30, words=${words}, alphabet=ternary @wait(matmul) @post(matmul)`,
      `matmul.run input=${input}, weights=r28, output=${output}, rows=1, blocks=${blocks}, steps=${steps}, alphabet=ternary, planes=1, options=accumulate, inputPitch=0 @wait(weightBuffer) @post(weightBuffer)`,
      `sub r28, ${2 * weights + half}, r28`,
      `add r30, r30, ${derived.portBytes}`,
      `loop r29, ${again}`,
      'weightBuffer.sync @wait(matmul)',
      'weightBuffer.sync @wait(matmul)',
      ...this.meeting(),
    ];
  }

  /** Fills every area with numbers, and gives every row a scale. */
  prologue(): string[] {
    const { shop } = this;
    const { areas, hw } = shop;
    const { maxRows, lanes } = hw.vector;
    const weights = (['ternary', 'binary'] as const).map((name, alphabet) => {
      const { start: dst, size: words } = shop.weightArea(name);
      const { start: src } = shop.memory.get(name) as { start: number };
      return words === 0 ? undefined : shop.make('weightBuffer.load', { dst, src, words, alphabet });
    });
    return this.ordered([
      ...(['act', 'coef', 'acc', 'input'] as const).flatMap((space) => this.whole('load', space, 'constants')),
      shop.make('kvStore.fill', {
        dst: areas.kv.start,
        src: (shop.memory.get('kv') as { start: number }).start,
        bytes: areas.kv.size,
        rows: 1,
        stride: 0,
      }),
      ...weights,
      shop.make('vector.quantise', {
        dst: areas.input.start,
        src: areas.act.start,
        gain: areas.coef.start,
        rows: maxRows,
        elements: lanes,
        dstPitch: lanes,
        srcPitch: lanes,
        epsilon: 0,
      }),
    ]);
  }

  /** Leaves every area in memory. */
  epilogue(): string[] {
    const { areas, memory } = this.shop;
    const spilled = memory.get('final.kv') as { start: number };
    return this.ordered([
      ...(['act', 'coef', 'acc', 'input'] as const).flatMap((space) => this.whole('store', space, 'final')),
      this.shop.make('kvStore.spill', {
        src: areas.kv.start,
        dst: spilled.start,
        bytes: areas.kv.size,
        rows: 1,
        stride: 0,
      }),
    ]);
  }

  private whole(verb: string, space: 'act' | 'coef' | 'acc' | 'input', where: 'constants' | 'final') {
    const { memory } = this.shop;
    const constants = { act: 'float32', coef: 'float32', acc: 'int32', input: 'int8' };
    const segment = memory.get(where === 'final' ? `final.${space}` : constants[space]) as { start: number };
    return this.shop.parts(space).map(({ start, size, offset }) =>
      this.shop.make(`dma.${verb}`, {
        space: spaces.indexOf(space),
        format: { act: 0, coef: 0, acc: 3, input: 4 }[space],
        local: start,
        remote: segment.start + offset * { act: 4, coef: 4, acc: 4, input: 1 }[space],
        elements: size,
        rows: 1,
        remoteStride: 0,
        localPitch: 0,
      }),
    );
  }
}

const makers = [
  transfer,
  transfer,
  product,
  product,
  vector,
  vector,
  vector,
  vector,
  keyValues,
  attention,
  sampling,
  control,
  pause,
];

/** Streams for a region. Those that share state in their unit follow each other in one stream. */
function chooseStreams(shop: Workshop): Stream[] {
  const streams: Stream[] = [];
  const stateful = new Map<unknown, Stream>();
  const count = shop.random.integer(3, 16);
  for (let index = 0; index < count; index++) {
    const maker = shop.random.pick(makers);
    const stream = maker(shop);
    if (maker === attention || maker === sampling) stateful.set(maker, [...(stateful.get(maker) ?? []), ...stream]);
    else streams.push(stream);
  }
  return [...streams, ...stateful.values()];
}

function interleave(streams: readonly Stream[], random: Random): Item[] {
  const rest = streams.map((stream) => [...stream]);
  const items: Item[] = [];
  for (;;) {
    const left = rest.filter((stream) => stream.length > 0);
    if (left.length === 0) return items;
    items.push(random.pick(left).shift() as Item);
  }
}

/** Checks the program of a seed on the machine of that seed; a failure names them. */
export function withSeed(seed: number, check: (program: RandomProgram, hw: HardwareModel) => void): void {
  const hw = randomHardware(seed);
  try {
    check(randomProgram(seed, hw), hw);
  } catch (error) {
    (error as Error).message = `seed ${seed} (${hw.name}): ${(error as Error).message}`;
    throw error;
  }
}
