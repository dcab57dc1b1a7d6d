/** What all parts of pass 5 share: what they read, where they write, and operand values by name. */
import { encodeFloat } from '../base/float.ts';
import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { OperandValue, RegisterOperand } from '../isa/instruction.ts';
import { instructionsByName, type MemoryFormat, markKinds, memoryFormats, type Space, spaces } from '../isa/table.ts';
import { at, type Builder } from './builder.ts';
import { type OperationName, operationNames } from './lower.ts';
import type { MemoryMap } from './memoryMap.ts';
import type { OnChip, RowGroup, TiledModel } from './place.ts';
import { registers } from './registers.ts';

export interface EmitContext {
  readonly builder: Builder;
  readonly model: TiledModel;
  readonly chip: OnChip;
  readonly map: MemoryMap;
  readonly hw: HardwareModel;
  readonly derived: Derived;
  /** Tiles of a layer that are loaded before the pass begins. */
  readonly preloads: number;
  /** False: weights are not loaded before the float work of their operation is done. */
  readonly fuse: boolean;
  /** The rows that the emitted code works on. */
  readonly group: EmittedGroup;
}

export interface EmittedGroup extends RowGroup {
  /** How many there are. */
  readonly rows: OperandValue;
  /** Position of the first. */
  readonly position: RegisterOperand;
}

/** The group of a pass that has only one: rows and position in registers. */
export function onlyGroup(chip: OnChip): EmittedGroup {
  return { ...(chip.groups[0] as RowGroup), rows: at(registers.rows), position: at(registers.position) };
}

/** The operand values of named choices. */
export const spaceIndex = (name: Space): number => spaces.indexOf(name);
export const formatIndex = (name: MemoryFormat): number => memoryFormats.indexOf(name);
export const floatBits = (value: number): number => encodeFloat('float32', value);

/** The `options` operand of an instruction with these flags set. */
export function optionBits(instruction: string, ...names: readonly string[]): number {
  const kind = instructionsByName.get(instruction)?.operands.find(({ name }) => name === 'options')?.kind;
  return names.reduce((bits, name) => {
    const bit = kind?.type === 'flags' ? kind.names.indexOf(name) : -1;
    if (bit < 0) throw new Error(`${instruction} has no option ${name}`);
    return bits | (1 << bit);
  }, 0);
}

/** Tells observers that something begins; the machine itself does nothing. */
export function emitMark({ builder }: EmitContext, kind: (typeof markKinds)[number], value: OperandValue): void {
  builder.emit('mark', { kind: markKinds.indexOf(kind), value });
}

export function emitOperationMark(context: EmitContext, name: OperationName): void {
  emitMark(context, 'operation', operationNames.indexOf(name));
}

/** Changes a register between `base` and `base + size`, the two halves of a double buffer. */
export function emitToggle({ builder }: EmitContext, register: number, base: number, size: number): void {
  builder.emit('sub', { rd: register, a: 2 * base + size, b: at(register) });
}
