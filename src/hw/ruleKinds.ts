/** The forms that most rules of a hardware model take; `rules.ts` fills them in. */
import type { Derived } from './derive.ts';
import type { HardwareModel } from './schema.ts';

export interface Rule {
  /** Stable across versions. */
  readonly code: string;
  /** Fields the rule speaks about; the first is the one that is reported. */
  readonly paths: readonly [string, ...string[]];
  /** What must hold and why, for the documentation. */
  readonly sentence: string;
  readonly holds: (hw: HardwareModel, derived: Derived) => boolean;
  /** What is wrong; follows the field's path. */
  readonly message: (hw: HardwareModel, derived: Derived) => string;
  readonly hint: (hw: HardwareModel, derived: Derived) => string;
}

/** The number at a dotted path; undefined if an optional section is not there. */
export function numberAt(hw: HardwareModel, path: string): number | undefined {
  return path.split('.').reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], hw) as
    | number
    | undefined;
}

/** A formula and its value; a formula that is a number stands alone. */
const equation = (formula: string, value: number) => (formula === `${value}` ? formula : `${formula} = ${value}`);

/** `value at path ≥ value at other`, the plainest rule. */
export function atLeast(code: string, path: string, other: string, reason: string): Rule {
  return {
    code,
    paths: [path, other],
    sentence: `\`${path}\` is at least \`${other}\`: ${reason}.`,
    holds: (hw) => (numberAt(hw, path) as number) >= (numberAt(hw, other) as number),
    message: (hw) => `${numberAt(hw, path)} is less than ${other} = ${numberAt(hw, other)}; ${reason}`,
    hint: (hw) => `at least ${numberAt(hw, other)}`,
  };
}

/** `value at path ≥ floor`, where the floor follows from other fields. */
export function atLeastFloor(
  code: string,
  paths: Rule['paths'],
  formula: string,
  reason: string,
  floor: (hw: HardwareModel, derived: Derived) => number,
): Rule {
  const [path] = paths;
  return {
    code,
    paths,
    sentence: `\`${path}\` is at least ${formula}: ${reason}.`,
    holds: (hw, derived) => (numberAt(hw, path) as number) >= floor(hw, derived),
    message: (hw, derived) => {
      const limit = floor(hw, derived);
      return `${numberAt(hw, path)} is less than ${equation(formula, limit)}; ${reason}`;
    },
    hint: (hw, derived) => `at least ${floor(hw, derived)}`,
  };
}

/** `value at path` is a multiple of a number that follows from other fields. */
export function multipleOf(
  code: string,
  paths: Rule['paths'],
  formula: string,
  reason: string,
  unit: (hw: HardwareModel, derived: Derived) => number,
): Rule {
  const [path] = paths;
  return {
    code,
    paths,
    sentence: `\`${path}\` is a multiple of ${formula}: ${reason}.`,
    holds: (hw, derived) => (numberAt(hw, path) as number) % unit(hw, derived) === 0,
    message: (hw, derived) => {
      return `${numberAt(hw, path)} is not a multiple of ${equation(formula, unit(hw, derived))}; ${reason}`;
    },
    hint: (hw, derived) => {
      const step = unit(hw, derived);
      const below = Math.floor((numberAt(hw, path) as number) / step) * step;
      return below === 0 ? `try ${step}` : `try ${below} or ${below + step}`;
    },
  };
}

/** `value at path ≤ ceiling`, where the ceiling follows from other fields or from the instruction format. */
export function atMost(
  code: string,
  paths: Rule['paths'],
  formula: string,
  reason: string,
  ceiling: (hw: HardwareModel, derived: Derived) => number,
): Rule {
  const [path] = paths;
  return {
    code,
    paths,
    sentence: `\`${path}\` is at most ${formula}: ${reason}.`,
    holds: (hw, derived) => (numberAt(hw, path) as number) <= ceiling(hw, derived),
    message: (hw, derived) => {
      const limit = ceiling(hw, derived);
      return `${numberAt(hw, path)} is more than ${equation(formula, limit)}; ${reason}`;
    },
    hint: (hw, derived) => `at most ${ceiling(hw, derived)}`,
  };
}

/** Only DRAM has the timing that these rules speak about. */
export const forDram = (rule: Rule): Rule => ({
  ...rule,
  sentence: `With \`memory.kind\` "dram": ${rule.sentence}`,
  holds: (hw, derived) => hw.memory.kind !== 'dram' || rule.holds(hw, derived),
});
