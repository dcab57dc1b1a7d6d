import { functionTablesInBlockRam } from '../hw/resources.ts';
import type { HardwareModel } from '../hw/schema.ts';

/** What the tables of the functions are built of: block RAM, which spares about 350 LUTs each, if all can be. */
export function romStyle(hw: HardwareModel): 'block' | 'distributed' {
  return functionTablesInBlockRam(hw) ? 'block' : 'distributed';
}
