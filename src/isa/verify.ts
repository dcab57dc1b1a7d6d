/** Static verification of a program: what would surely go wrong is refused before the first cycle. */
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { formatInstruction, instructionPlace } from './assembler/disassemble.ts';
import {
  type AttentionShape,
  attentionShape,
  type Footprint,
  type MachineShape,
  machineShape,
  outOfBounds,
  resolvedFootprint,
} from './footprint.ts';
import { type Instruction, unitsOfMask } from './instruction.ts';
import { operandFault } from './rules.ts';
import type { Segment, SegmentKind } from './segments.ts';
import { type IssueUnit, issueUnits } from './table.ts';

export interface VerifyOptions {
  /** For the places in messages. */
  readonly labels?: ReadonlyMap<string, number>;
  readonly file?: string;
}

/** Segments that a program may write to, if they have no contents. */
const writable: readonly SegmentKind[] = ['command', 'kv', 'data'];

/**
 * Verifies a program against a machine and its memory map. Values that only registers know are left to the machine.
 * Returns warnings; throws `LutraError` with all faults: VFY001 (operand rule), VFY002 (outside of a buffer),
 * VFY003 (memory outside of every segment), VFY004 (write to constants), VFY005 (a mask names its own unit),
 * VFY006 (target), VFY007 (runs past the end), VFY008 (wait without post), VFY009 (attend without configure),
 * VFY010 (empty program), VFY011 (more memory than the machine has). Warnings: VFY020 (post without wait),
 * VFY021 (no halt).
 */
export function verifyProgram(
  instructions: readonly Instruction[],
  hw: HardwareModel,
  segments: readonly Segment[],
  options: VerifyOptions = {},
): Diagnostic[] {
  const verifier = new Verifier(instructions, machineShape(hw), segments, options);
  verifier.run();
  if (verifier.faults.length > 0) throw new LutraError(verifier.faults);
  return verifier.warnings;
}

class Verifier {
  readonly faults: Diagnostic[] = [];
  readonly warnings: Diagnostic[] = [];
  private readonly instructions: readonly Instruction[];
  private readonly shape: MachineShape;
  private readonly segments: readonly Segment[];
  private readonly options: VerifyOptions;

  constructor(
    instructions: readonly Instruction[],
    shape: MachineShape,
    segments: readonly Segment[],
    options: VerifyOptions,
  ) {
    this.instructions = instructions;
    this.shape = shape;
    this.segments = segments;
    this.options = options;
  }

  run(): void {
    if (this.instructions.length === 0) {
      this.faults.push(this.diagnostic('VFY010', 'the program has no instructions'));
      return;
    }
    this.memory();
    const attention = this.attention();
    this.instructions.forEach((instruction, index) => {
      this.operands(instruction, index, attention);
      this.targets(instruction, index);
    });
    this.ending();
    this.semaphores();
  }

  private diagnostic(code: string, message: string, hint?: string): Diagnostic {
    const { file } = this.options;
    return {
      code,
      message,
      ...(file === undefined ? {} : { place: { file } }),
      ...(hint === undefined ? {} : { hint }),
    };
  }

  /** A diagnostic about one instruction: where it is, its text, what is wrong. */
  private at(code: string, index: number, message: string, hint?: string): Diagnostic {
    const text = formatInstruction(this.instructions[index] as Instruction);
    return this.diagnostic(code, `${instructionPlace(index, this.options.labels)} ${text}: ${message}`, hint);
  }

  private fault(code: string, index: number, message: string, hint?: string): void {
    this.faults.push(this.at(code, index, message, hint));
  }

  private memory(): void {
    const size = this.shape.sizes.ddr;
    for (const { name, address, bytes } of this.segments) {
      if (address + bytes > size) {
        const message = `segment ${name} ends at ${address + bytes}, but memory has ${size} bytes`;
        this.faults.push(this.diagnostic('VFY011', message, 'see memory.capacityBytes'));
      }
    }
  }

  /** The attention shape, if every `configure` says the same; NaN where registers or several shapes leave it open. */
  private attention(): AttentionShape | undefined {
    const shapes = this.instructions.flatMap((entry) =>
      entry.spec.name === 'attention.configure' ? [attentionShape(known(entry))] : [],
    );
    const [first] = shapes;
    if (!first) {
      const attend = this.instructions.findIndex(({ spec }) => spec.name === 'attention.attend');
      if (attend >= 0) this.fault('VFY009', attend, 'no attention.configure comes before it');
      return undefined;
    }
    const agreed = (name: keyof AttentionShape) =>
      shapes.every((shape) => shape[name] === first[name]) ? first[name] : NaN;
    return {
      heads: agreed('heads'),
      kvHeads: agreed('kvHeads'),
      headDimension: agreed('headDimension'),
      query: agreed('query'),
      output: agreed('output'),
    };
  }

  private operands(instruction: Instruction, index: number, attention: AttentionShape | undefined): void {
    const { spec } = instruction;
    const values = known(instruction);
    const broken = operandFault(spec, values, this.shape, attention);
    if (broken !== undefined) {
      this.fault('VFY001', index, broken, 'docs/isa.md, rules');
      return;
    }
    const footprints = resolvedFootprint(spec, values, this.shape, attention);
    const outside = outOfBounds(footprints, this.shape);
    if (outside !== undefined) {
      this.fault('VFY002', index, outside);
      return;
    }
    for (const footprint of footprints) if (footprint.space === 'ddr') this.memoryAccess(footprint, index);
  }

  private memoryAccess({ begin, end, write }: Footprint, index: number): void {
    if (Number.isNaN(begin) || begin === end) return;
    const segment = this.segments.find(({ address, bytes }) => begin >= address && begin < address + bytes);
    const range = Number.isNaN(end) ? `from ${begin}` : `${begin}…${end - 1}`;
    if (!segment) {
      const hint = 'declare it with .data, .reserve or .command';
      this.fault('VFY003', index, `${write ? 'writes' : 'reads'} memory ${range}, where no segment is`, hint);
    } else if (end > segment.address + segment.bytes) {
      const limit = segment.address + segment.bytes;
      this.fault('VFY003', index, `memory ${range} leaves segment ${segment.name}, which ends at ${limit}`);
    } else if (write && (segment.data || !writable.includes(segment.kind))) {
      this.fault(
        'VFY004',
        index,
        `writes memory ${range}, constants of segment ${segment.name}`,
        'write to a .reserve',
      );
    }
  }

  private targets({ spec, values }: Instruction, index: number): void {
    spec.operands.forEach(({ kind, name }, operand) => {
      const target = values[operand];
      if (kind.type !== 'label' || typeof target !== 'number') return;
      if (target >= this.instructions.length) {
        this.fault(
          'VFY006',
          index,
          `${name} ${target} is behind the last instruction, ${this.instructions.length - 1}`,
        );
      }
    });
  }

  private ending(): void {
    const last = this.instructions.length - 1;
    const name = this.instructions[last]?.spec.name;
    if (name !== 'halt' && name !== 'jmp') {
      this.fault('VFY007', last, 'the program may run past its last instruction', 'end with halt or jmp');
    }
    if (!this.instructions.some(({ spec }) => spec.name === 'halt')) {
      this.warnings.push(this.diagnostic('VFY021', 'the program has no halt'));
    }
  }

  /** Every pair of units that waits must be posted somewhere, and the other way round. */
  private semaphores(): void {
    const waits = new Map<string, number>();
    const posts = new Map<string, number>();
    this.instructions.forEach(({ spec, wait, post }, index) => {
      const self: IssueUnit = spec.unit;
      const selfBit = 1 << issueUnits.indexOf(self);
      if ((wait | post) & selfBit) {
        this.fault('VFY005', index, `${self} cannot wait for itself or post to itself`, 'a unit runs in order anyway');
      }
      for (const other of unitsOfMask(wait & ~selfBit)) first(waits, `${other} → ${self}`, index);
      for (const other of unitsOfMask(post & ~selfBit)) first(posts, `${self} → ${other}`, index);
    });
    for (const [pair, index] of waits) {
      if (!posts.has(pair)) this.fault('VFY008', index, `waits for ${pair}, which nothing posts`);
    }
    for (const [pair, index] of posts) {
      if (!waits.has(pair)) this.warnings.push(this.at('VFY020', index, `posts ${pair}, for which nothing waits`));
    }
  }
}

function first(map: Map<string, number>, key: string, index: number): void {
  if (!map.has(key)) map.set(key, index);
}

/** The values of an instruction, NaN for what a register decides. */
function known({ values }: Instruction): number[] {
  return values.map((value) => (typeof value === 'number' ? value : Number.NaN));
}
