import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { type Footprint, spaceSizes } from '../../isa/footprint.ts';
import type { InstructionSpec } from '../../isa/table.ts';
import type { Work } from '../../trace/work.ts';
import type { Command } from './command.ts';
import { type Configured, unconfigured } from './configured.ts';
import { createFootprints } from './footprints.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import { createWork } from './work.ts';

/** What follows from the operands of a command, apart from its time. */
export interface Prepared {
  /** What it touches. */
  readonly footprints: readonly Footprint[];
  /** What it does, counted. */
  readonly work: Work;
}

type Prepare = (command: Command) => Prepared;

/**
 * Checks the operands of commands and says what they touch and do. Commands must come in the order in which their units
 * start them. Throws LutraError MCH006 on operands that break a rule or leave a space.
 */
export function createPlainPrepare(
  hw: HardwareModel,
  derived: Derived,
  values: boolean,
  configured: Configured = unconfigured(),
): Prepare {
  const footprint = createFootprints(hw, values, configured);
  const work = createWork(hw, derived, configured);
  return (command) => ({ footprints: footprint(command), work: work(command) });
}

/** Instructions that say what later ones mean, and these. */
const meantBy: Readonly<Record<string, string>> = {
  'attention.configure': 'attention.attend',
  'sampler.begin': 'sampler.pick',
};

/** Instructions whose meaning others set. */
const dependent: ReadonlySet<string> = new Set(Object.values(meantBy));

/** Operands that change neither what an instruction touches nor what it does, and that no rule is about. */
const indifferent: Readonly<Record<string, string>> = { 'sampler.scan': 'firstToken' };

/** Operands kept for each instruction of a program; one that has more of them is prepared anew again and again. */
const mostVariants = 256;

/** What is known of one instruction of a program with certain operands. */
interface Variant {
  readonly values: readonly number[];
  readonly prepared: Prepared;
  /** Position of the footprint that lies in memory, or −1. */
  readonly inMemory: number;
  /** Number of the variant that came after this one the last time. */
  next: number;
}

/** What is known of one instruction of a program. */
interface Plan {
  readonly name: string;
  /** The instruction whose meaning this one sets. */
  readonly configures: string | undefined;
  /** Position of the operand that is an address in memory, or −1. */
  readonly address: number;
  /** Position of an operand that may have any value, or −1. */
  readonly free: number;
  /** If that address moves by a multiple of this, it breaks no rule that it has kept before. */
  readonly addressStep: number;
  readonly variants: Variant[];
  /** Number of the variant that came last. */
  last: number;
  oldest: number;
}

/**
 * The same as `createPlainPrepare`, faster: the operands of an instruction come back again and again, but for the address
 * of what it moves from or to memory, which moves all that it touches there.
 */
export class Preparations {
  /** Commands that were prepared from nothing. */
  fromNothing = 0;
  private readonly plain: Prepare;
  private readonly memoryBytes: number;
  private readonly portBytes: number;
  private readonly gatherStep: number;
  /** By instruction. */
  private readonly plans: (Plan | undefined)[] = [];
  /** The latest operands of a configuration, by the instruction whose meaning they set. */
  private readonly meanings = new Map<string, readonly number[]>();
  private readonly configured = unconfigured();

  constructor(hw: HardwareModel, derived: Derived, values: boolean) {
    this.plain = createPlainPrepare(hw, derived, values, this.configured);
    this.memoryBytes = spaceSizes(hw).ddr;
    this.portBytes = derived.portBytes;
    this.gatherStep = leastCommonMultiple(derived.portBytes, derived.gatherAlignmentBytes);
  }

  /** What is known of instructions is no state: it stays true whenever what it follows from comes again. */
  save(): Saved {
    return { ...saveFields(this, ['meanings']), configured: { ...this.configured } };
  }

  restore({ configured, ...saved }: Saved): void {
    restoreFields(this, saved);
    Object.assign(this.configured, configured);
    for (const plan of this.plans) if (plan && dependent.has(plan.name)) forget(plan);
  }

  prepare(command: Command): Prepared {
    let plan = this.plans[command.pc];
    if (!plan) {
      plan = this.planFor(command.spec);
      this.plans[command.pc] = plan;
    }
    if (plan.configures !== undefined) {
      this.configure(plan.configures, command.values);
      this.fromNothing += 1;
      return this.plain(command);
    }
    const at = find(plan, command.values);
    if (at < 0) return this.addVariant(plan, command);
    follow(plan, at);
    const { values: known, prepared, inMemory } = plan.variants[at] as Variant;
    if (plan.address < 0) return prepared;
    const distance = command.values[plan.address]! - known[plan.address]!;
    if (distance === 0) return prepared;
    if (distance % plan.addressStep !== 0) return this.addVariant(plan, command);
    if (inMemory < 0) return prepared;
    const before = prepared.footprints[inMemory] as Footprint;
    const begin = before.begin + distance;
    const end = before.end + distance;
    if (begin < 0 || end > this.memoryBytes || begin >= end) return this.addVariant(plan, command);
    const { space, write, rows, pitch, width } = before;
    const footprints = prepared.footprints.slice();
    footprints[inMemory] = { space, begin, end, write, rows, pitch, width };
    return { footprints, work: prepared.work };
  }

  private planFor({ name, operands, dataAddress }: InstructionSpec): Plan {
    return {
      name,
      configures: meantBy[name],
      address: operands.findIndex(({ kind }) => kind.type === 'address' && kind.space === 'ddr'),
      free: operands.findIndex((operand) => operand.name === indifferent[name]),
      addressStep: dataAddress ? this.gatherStep : this.portBytes,
      variants: [],
      last: 0,
      oldest: 0,
    };
  }

  private configure(name: string, operands: readonly number[]): void {
    const before = this.meanings.get(name);
    this.meanings.set(name, operands);
    if (before && sameBut(-1, -1, before, operands)) return;
    for (const plan of this.plans) if (plan?.name === name) forget(plan);
  }

  private addVariant(plan: Plan, command: Command): Prepared {
    this.fromNothing += 1;
    const prepared = this.plain(command);
    const inMemory = prepared.footprints.findIndex(({ space }) => space === 'ddr');
    const { variants } = plan;
    const at = variants.length < mostVariants ? variants.length : plan.oldest;
    if (variants.length === mostVariants) plan.oldest = (at + 1) % mostVariants;
    variants[at] = { values: command.values, prepared, inMemory, next: 0 };
    follow(plan, at);
    return prepared;
  }
}

/** Number of the variant with these operands, but for an address in memory and what is free, or −1. */
function find({ variants, address, free, last }: Plan, values: readonly number[]): number {
  const count = variants.length;
  if (count === 0) return -1;
  const expected = (variants[last] as Variant).next;
  if (expected < count && sameBut(address, free, (variants[expected] as Variant).values, values)) return expected;
  for (let at = 0; at < count; at++) {
    if (sameBut(address, free, (variants[at] as Variant).values, values)) return at;
  }
  return -1;
}

/** Notes that variant `at` has come after the last one. */
function follow(plan: Plan, at: number): void {
  (plan.variants[plan.last] as Variant).next = at;
  plan.last = at;
}

function forget(plan: Plan): void {
  plan.variants.length = 0;
  plan.last = 0;
  plan.oldest = 0;
}

/** Whether two lists are equal but for two positions. */
function sameBut(one: number, other: number, a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && i !== one && i !== other) return false;
  return true;
}

function leastCommonMultiple(a: number, b: number): number {
  let [high, low] = [a, b];
  while (low !== 0) [high, low] = [low, high % low];
  return (a / high) * b;
}
