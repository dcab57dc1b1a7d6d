import { describe, it } from 'vitest';
import { hasTool, needs, type Tool } from './tools.ts';

/**
 * `describe` for tests that need tools. Without one of them nothing of the group runs, not even what it does to prepare,
 * and one skipped test stands for it whose name says why.
 */
export function describeWith(...tools: readonly Tool[]): typeof describe {
  const missing = tools.find((tool) => !hasTool(tool));
  if (missing === undefined) return describe;
  const leftOut = () => it.skip(needs(missing), () => undefined);
  const group = (name: string) => describe(name, leftOut);
  const each = (cases: readonly unknown[]) => (name: string) => describe.each(cases)(name, leftOut);
  return Object.assign(group, { each }) as unknown as typeof describe;
}

/** Groups of tests that simulate Verilog with Verilator. */
export const describeVerilog = describeWith('verilator');
