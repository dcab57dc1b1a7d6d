import { exitCodes, LutraError } from '../../../base/diagnostics.ts';
import { isOutside, layoutRows, memoryRows, paperTable } from '../../../papers/index.ts';
import { table } from '../../../report/format.ts';
import { openHardware } from '../../inputs.ts';
import type { HardwareOptions } from '../../options.ts';
import { printJson, printLine } from '../../output.ts';

/**
 * `lutra bench memory`: what was measured of a KV260's memory beside the memory model, and what the layout of a weight
 * tile does. Returns the exit code: 1 when a figure is outside of its tolerance. Throws CLI014 where the hardware model
 * has fewer than the four ports that were measured.
 */
export function benchMemoryVerb(options: HardwareOptions & { readonly json?: boolean }): number {
  const hw = openHardware(options);
  if (hw.memory.ports < 4) {
    throw new LutraError({
      code: 'CLI014',
      message: `the hardware model ${hw.name} has ${hw.memory.ports} memory ports; four streams were measured`,
      hint: 'kv260 has four',
    });
  }
  const rows = memoryRows(hw);
  const layouts = layoutRows(hw);
  if (options.json) printJson({ schema: 'lutra.bench.memory/1', rows, layouts });
  else {
    for (const line of paperTable(rows)) printLine(line);
    printLine('');
    printLine('Tiles loaded one after the other through four ports, by what lies together for one port:');
    const cells = layouts.map(({ tileBytes, pieceBytes, rate }) => [
      `${tileBytes / 1024} KiB`,
      4 * pieceBytes === tileBytes ? `its quarter, ${pieceBytes / 1024} KiB` : `${pieceBytes / 1024} KiB in turn`,
      rate.toFixed(2),
    ]);
    for (const line of table([['tile', 'layout', 'GB/s'], ...cells], 'numbers')) printLine(line.slice(2));
  }
  return rows.some(isOutside) ? exitCodes.no : exitCodes.ok;
}
