import { exitCodes, LutraError } from '../../../base/diagnostics.ts';
import { energyRows, energySources, isOutside, paperTable } from '../../../papers/index.ts';
import { openHardware } from '../../inputs.ts';
import type { HardwareOptions } from '../../options.ts';
import { printJson, printLine } from '../../output.ts';
import { paperInputs } from '../../paperInputs.ts';

/**
 * `lutra bench energy`: powers measured on the board beside those that the coefficients of a hardware model of it give.
 * Returns the exit code: 1 when one is outside of its tolerance. Throws CLI013 where the hardware model has no `energy`.
 */
export function benchEnergyVerb(options: HardwareOptions & { readonly json?: boolean }): number {
  const hw = openHardware(options);
  if (!hw.energy) {
    throw new LutraError({
      code: 'CLI013',
      message: `the hardware model ${hw.name} has no section energy`,
      hint: 'kv260 has one; docs/energy.md says what its fields are',
    });
  }
  const rows = energyRows(hw.energy, paperInputs());
  if (options.json) printJson({ schema: 'lutra.bench.energy/1', rows });
  else for (const line of [...paperTable(rows), ...energySources]) printLine(line);
  return rows.some(isOutside) ? exitCodes.no : exitCodes.ok;
}
