/** What of a program can ever happen, as far as its text says: for breakpoints that would wait for ever. */
import {
  type Instruction,
  type MachineShape,
  markKinds,
  operandIndex,
  resolvedFootprint,
  type Space,
} from '../isa/index.ts';
import type { Access, MarkKind } from './breakpoints.ts';

/** By instruction, whether control can come to it; all of them where a register decides where a branch goes. */
export function reachable(code: readonly Instruction[]): boolean[] {
  const reached = code.map(() => false);
  const open = [0];
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (pc >= code.length || reached[pc]) continue;
    reached[pc] = true;
    const { spec, values } = code[pc] as Instruction;
    const at = spec.operands.findIndex(({ kind }) => kind.type === 'label');
    const target = values[at];
    if (at >= 0 && typeof target !== 'number') return code.map(() => true);
    if (typeof target === 'number') open.push(target);
    if (spec.name !== 'jmp' && spec.name !== 'halt') open.push(pc + 1);
  }
  return reached;
}

/** The values that a program marks, or undefined where a register holds one. */
export function markedValues(code: readonly Instruction[], mark: MarkKind): number[] | undefined {
  const found: number[] = [];
  for (const { spec, values } of code) {
    if (spec.name !== 'mark' || values[operandIndex(spec, 'kind')] !== markKinds.indexOf(mark)) continue;
    const value = values[operandIndex(spec, 'value')];
    if (typeof value !== 'number') return undefined;
    found.push(value);
  }
  return found;
}

/** Whether some instruction reads or writes a space. */
export function isAccessed(code: readonly Instruction[], shape: MachineShape, space: Space, access: Access): boolean {
  return code.some(({ spec, values }) => {
    const known = values.map((value) => (typeof value === 'number' ? value : Number.NaN));
    return resolvedFootprint(spec, known, shape).some(
      (range) => range.space === space && (access === 'both' || (access === 'write') === range.write),
    );
  });
}
