import { derive, type HardwareModel } from '../../../src/hw/index.ts';
import { alphabets } from '../../../src/hw/operands.ts';
import { tileSlices } from '../../../src/hw/slices.ts';
import {
  type AttentionShape,
  type Footprint,
  footprintsOverlap,
  type InstructionSpec,
  instructionsByName,
  issueUnits,
  type MachineShape,
  type MemoryFormat,
  machineShape,
  memoryFormatBytes,
  type Operand,
  operandFault,
  outOfBounds,
  resolvedFootprint,
  type Space,
} from '../../../src/isa/index.ts';
import type { Item } from './order.ts';
import type { Random } from './source.ts';

/** A register that moves by `stride` with every iteration of a loop. */
export interface Pointer {
  readonly register: number;
  readonly start: number;
  readonly stride: number;
}

export interface Loop {
  readonly counter: number;
  readonly count: number;
  readonly pointers: readonly Pointer[];
}

export interface Area {
  readonly start: number;
  readonly size: number;
}

/** A segment of memory: constants, or room that the program may write. */
export interface MemoryArea extends Area {
  readonly name: string;
  readonly written: boolean;
  readonly declaration: readonly string[];
}

type OnChip = Exclude<Space, 'ddr'>;

const firstTemporary = 20;
const temporaries = 8;

/**
 * The parts that random programs are made of: the areas of every address space that a program plays in, and checked
 * instructions with random forms of their operands.
 */
export class Workshop {
  readonly random: Random;
  readonly hw: HardwareModel;
  readonly shape: MachineShape;
  /** All on-chip activity stays in these; a prologue fills them and an epilogue stores them. */
  readonly areas: Readonly<Record<OnChip, Area>>;
  readonly memory: ReadonlyMap<string, MemoryArea>;
  /** Loops around the instructions that are made now, outermost first. */
  loops: readonly Loop[] = [];
  private nextTemporary = 0;

  constructor(random: Random, hw: HardwareModel) {
    this.random = random;
    this.hw = hw;
    this.shape = machineShape(hw);
    const { blockInputs, actWordElements, coefWordElements, inputWordElements, kvWordBytes } = this.shape.derived;
    const area = (space: OnChip, size: number, align: number): Area => {
      const total = this.shape.sizes[space];
      const used = Math.min(total, size) - (Math.min(total, size) % align);
      return { start: align * random.integer(0, Math.floor((total - used) / align)), size: used };
    };
    const act = area('act', 384, actWordElements);
    this.areas = {
      // Around the place where the banks meet, if there are two.
      act: this.bankElements < this.shape.sizes.act ? { ...act, start: this.bankElements - act.size / 2 } : act,
      coef: area('coef', 160, coefWordElements),
      acc: area('acc', Math.max(240, 6 * hw.matmul.columns), this.sumAlignment),
      input: area('input', Math.max(200, 3 * blockInputs), inputWordElements),
      weights: area('weights', Math.max(96, 4 * this.weightAlignment), this.weightAlignment),
      kv: area('kv', 1024, kvWordBytes),
    };
    this.memory = new Map(memoryAreas(hw, this.areas, random).map((entry) => [entry.name, entry]));
  }

  /** Words at multiples of this may be loaded, whatever their alphabet. */
  get weightAlignment(): number {
    const { ternary, binary } = this.shape.derived;
    return Math.max(ternary.sliceWordsPerBeat, binary.sliceWordsPerBeat);
  }

  /** Elements of one bank of the activation buffer; no operand spans two. */
  private get bankElements(): number {
    return this.hw.vector.activationElements / this.hw.vector.activationBanks;
  }

  /** An area in pieces that an instruction may span: where they begin, in the buffer and in the area. */
  parts(space: OnChip): { readonly start: number; readonly size: number; readonly offset: number }[] {
    const { start, size } = this.areas[space];
    const cut = this.bankElements - start;
    if (space !== 'act' || cut <= 0 || cut >= size) return [{ start, size, offset: 0 }];
    return [
      { start, size: cut, offset: 0 },
      { start: start + cut, size: size - cut, offset: cut },
    ];
  }

  /** Sums at multiples of this suit the engine, the vector unit and dma. */
  private get sumAlignment(): number {
    const { matmul, vector } = this.hw;
    const wide = Math.max(vector.lanes, this.shape.derived.portBytes / 4);
    let alignment = wide;
    while (alignment % matmul.columns !== 0) alignment += wide;
    return alignment;
  }

  /** Words that only ever hold weights of one alphabet; empty where the weight buffer is too small for both. */
  weightArea(alphabet: 'ternary' | 'binary'): Area {
    const { start, size } = this.areas.weights;
    const half = size / 2 - ((size / 2) % this.weightAlignment);
    if (alphabet === 'binary') return { start: start + half, size: half };
    return { start, size: half === 0 ? size : half };
  }

  /** An address in an area, with room for `extent`; the area’s start if there is none. */
  address(space: OnChip, extent: number, align = 1): number {
    return this.addressIn(this.areas[space], extent, align);
  }

  addressIn({ start, size }: Area, extent: number, align: number): number {
    return start + align * this.random.integer(0, Math.max(0, Math.floor((size - extent) / align)));
  }

  /** A byte address in a segment of memory. */
  remote(name: string, extent: number, align: number): number {
    const { start, size } = this.memory.get(name) as MemoryArea;
    const first = Math.ceil(start / align) * align;
    return first + align * this.random.integer(0, Math.max(0, Math.floor((start + size - extent - first) / align)));
  }

  /** A front-end instruction that touches nothing. */
  control(text: string): Item {
    return { unit: 0, before: [], text, footprints: [] };
  }

  /**
   * An instruction with these operand values, some of them from registers that were loaded just before or that move
   * with a loop. Undefined if a rule of the machine refuses it.
   */
  make(name: string, named: Readonly<Record<string, number>>, attention?: AttentionShape): Item | undefined {
    const spec = instructionsByName.get(name) as InstructionSpec;
    const values = spec.operands.map((operand) => named[operand.name] ?? 0);
    const moving = spec.operands.map((operand) => (this.random.chance(0.5) ? this.pointerFor(operand) : undefined));
    return this.finish(spec, values, moving, attention) ?? this.finish(spec, values, [], attention);
  }

  private pointerFor({ kind, bits }: Operand): Pointer | undefined {
    if (kind.type !== 'address' || bits !== 32 || this.loops.length === 0) return undefined;
    return this.random.pick(this.random.pick(this.loops).pointers);
  }

  private finish(
    spec: InstructionSpec,
    values: readonly number[],
    moving: readonly (Pointer | undefined)[],
    attention: AttentionShape | undefined,
  ): Item | undefined {
    const footprints: Footprint[] = [];
    for (const times of this.iterations()) {
      const resolved = values.map((value, index) => {
        const pointer = moving[index];
        return pointer ? value + (times.get(pointer) as number) * pointer.stride : value;
      });
      if (operandFault(spec, resolved, this.shape, attention) !== undefined) return undefined;
      const touched = resolvedFootprint(spec, resolved, this.shape, attention);
      if (
        outOfBounds(touched, this.shape) !== undefined ||
        !touched.every((range) => this.allows(range, alphabetOf(spec, resolved)))
      )
        return undefined;
      if (trodsOnItself(touched)) return undefined;
      footprints.push(...touched);
    }
    const before: string[] = [];
    const operands = spec.operands.map((operand, index) => {
      const value = values[index] as number;
      return `${operand.name}=${this.operand(operand, value, moving[index], before)}`;
    });
    const text = `${spec.name} ${operands.join(', ')}`.trimEnd();
    return { unit: issueUnits.indexOf(spec.unit), before, text, footprints };
  }

  /** For every combination of loop iterations, how often each pointer has moved. */
  private iterations(): Map<Pointer, number>[] {
    let combinations: Map<Pointer, number>[] = [new Map()];
    for (const { count, pointers } of this.loops) {
      combinations = combinations.flatMap((outer) =>
        Array.from({ length: count }, (_, time) => new Map([...outer, ...pointers.map((p) => [p, time] as const)])),
      );
    }
    return combinations;
  }

  /** Weight words keep to the words of their alphabet. */
  private allows({ space, begin, end, write }: Footprint, alphabet: 'ternary' | 'binary'): boolean {
    const within = ({ start, size }: Area) => begin >= start && end <= start + size;
    if (space === 'weights') return within(this.weightArea(alphabet));
    if (space === 'act' && begin < this.bankElements && end > this.bankElements) return false;
    if (space !== 'ddr') return within(this.areas[space]);
    return [...this.memory.values()].some((segment) => within(segment) && (!write || segment.written));
  }

  private operand(operand: Operand, value: number, pointer: Pointer | undefined, before: string[]): string {
    const { kind, bits } = operand;
    if (pointer) return registerText(pointer.register, value - pointer.start);
    const plain = plainText(operand, value);
    const numeric = kind.type === 'count' || kind.type === 'integer' || kind.type === 'address';
    if (bits !== 32 || !(numeric || kind.type === 'float') || !this.random.chance(0.12)) return plain;
    const register = firstTemporary + (this.nextTemporary++ % temporaries);
    const offset = numeric ? this.random.integer(-100, 100) : 0;
    before.push(`li r${register}, ${numeric ? value - offset : plain}`);
    return registerText(register, offset);
  }
}

function registerText(register: number, offset: number): string {
  return `r${register}${offset < 0 ? offset : `+${offset}`}`;
}

function plainText({ kind }: Operand, value: number): string {
  switch (kind.type) {
    case 'register':
      return `r${value}`;
    case 'choice':
      return kind.names[value] as string;
    case 'flags':
      return kind.names.filter((_, bit) => (value >> bit) & 1).join('|') || 'none';
    case 'float':
      return `bits(0x${value.toString(16)})`;
    default:
      return String(value);
  }
}

/**
 * True if an instruction writes over something that it reads, unless it is exactly the same rows: what a pipeline then
 * reads depends on its depth.
 */
function trodsOnItself(footprints: readonly Footprint[]): boolean {
  const writes = footprints.filter(({ write }) => write);
  const reads = footprints.filter(({ write }) => !write);
  const same = (a: Footprint, b: Footprint) =>
    a.begin === b.begin && a.rows === b.rows && a.width === b.width && (a.rows === 1 || a.pitch === b.pitch);
  return writes.some((a) => reads.some((b) => footprintsOverlap(a, b) && !same(a, b)));
}

const commandBytes = 1024;

function memoryAreas(hw: HardwareModel, areas: Workshop['areas'], random: Random): MemoryArea[] {
  const derived = derive(hw);
  const result: MemoryArea[] = [];
  let next = commandBytes;
  const add = (name: string, size: number, contents: readonly string[]) => {
    const written = contents.length === 0;
    const head = written ? `.reserve ${name} = ${next}, ${size}` : `.data ${name} = ${next}`;
    result.push({ name, start: next, size, written, declaration: [head, ...contents] });
    // Not always at the start of a page, so that bursts are cut here and there.
    next = Math.ceil((next + size) / 64) * 64 + 64 * random.integer(0, 40);
  };
  const seed = () => random.bits();
  const { act, coef, acc, input, weights, kv } = areas;
  const floats = Math.max(act.size, coef.size);
  const kvDirective = { float32: '.f32', float16: '.f16', bfloat16: '.bf16' }[hw.kvStore.format];
  add('float32', 4 * floats, [`.f32 random(${floats}, ${seed()}, -2.0, 2.0)`]);
  add('float16', 2 * floats, [`.f16 random(${floats}, ${seed()}, -2.0, 2.0)`]);
  add('bfloat16', 2 * floats, [`.bf16 random(${floats}, ${seed()}, -2.0, 2.0)`]);
  add('int32', 4 * acc.size, [`.i32 random(${acc.size}, ${seed()}, -200000, 200000)`]);
  add('int8', input.size, [`.i8 random(${input.size}, ${seed()})`]);
  // Any bytes of digits will do for a tile: what lies between them is padding.
  const packed = (alphabet: 'ternary' | 'binary', directive: string, digitsPerByte: number) => {
    const slice = tileSlices(weights.size, derived[alphabet].sliceBytes, derived).bytes;
    const bytes = derived.weightSlices * slice + 4 * derived.portBytes;
    add(alphabet, bytes, [`${directive} random(${bytes * digitsPerByte}, ${seed()})`]);
  };
  packed('ternary', '.trits', 5);
  packed('binary', '.bits', 8);
  const kvElements = kv.size / derived.kvElementBytes;
  add('kv', kv.size, [`${kvDirective} random(${kvElements}, ${seed()}, -2.0, 2.0)`]);
  const formats: MemoryFormat[] = ['float32', 'float16', 'bfloat16', 'int32', 'int8'];
  for (const format of formats) add(`stored.${format}`, 320 * memoryFormatBytes[format], []);
  add('stored.kv', 1024, []);
  for (const [space, bytes] of Object.entries({ act: 4, coef: 4, acc: 4, input: 1, kv: 1 })) {
    add(`final.${space}`, areas[space as OnChip].size * bytes, []);
  }
  return result;
}

/** The alphabet that an instruction names, if it has one. */
function alphabetOf(spec: InstructionSpec, values: readonly number[]): 'ternary' | 'binary' {
  const index = spec.operands.findIndex((operand) => operand.name === 'alphabet');
  return alphabets[values[index] ?? 0] as 'ternary' | 'binary';
}
