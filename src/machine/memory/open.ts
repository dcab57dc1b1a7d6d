import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { Edge } from '../kernel/edge.ts';
import { Memory, type MemoryHooks } from '../units/memory.ts';
import { AssembledMemory } from './assembled.ts';
import type { ExternalMemory } from './external.ts';

/**
 * External memory: by the WebAssembly module `memory` (src/cli/assembly.ts) where one is given and nobody looks into it or stops it,
 * otherwise by its plain definition. Both give the same. Throws LutraError MEM001, see `timeBase`.
 */
export function openMemory(
  hw: HardwareModel,
  derived: Derived,
  module?: WebAssembly.Module,
  hooks?: MemoryHooks,
  edge?: Edge,
): ExternalMemory {
  return module && !hooks && !edge ? new AssembledMemory(module, hw, derived) : new Memory(hw, derived, hooks, edge);
}
