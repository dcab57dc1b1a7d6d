import { derive } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';

/**
 * The numbers of a hardware model as constants for programs: `hw.matmul.columns`, `derived.blockInputs`,
 * `derived.ternary.wordBytes`. Numbers that are not integers are floats in expressions.
 */
export function hardwareConstants(hw: HardwareModel): Map<string, number> {
  const constants = new Map<string, number>();
  collect('hw', hw, constants);
  collect('derived', derive(hw), constants);
  return constants;
}

function collect(prefix: string, value: unknown, constants: Map<string, number>): void {
  if (typeof value === 'number') constants.set(prefix, value);
  else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) collect(`${prefix}.${name}`, inner, constants);
  }
}
