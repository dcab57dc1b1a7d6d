import { exitCodes } from '../../base/diagnostics.ts';
import { type Placement, place, placementDevice, placementVersion, yosysVersion } from '../../cosim/index.ts';
import { hardwareDigest } from '../../hw/index.ts';
import { grouped, table } from '../../report/format.ts';
import { filesBelow, renderAll, restModule, synthesisedUnits } from '../../rtl/index.ts';
import { readTemplates } from '../files.ts';
import { openHardware } from '../inputs.ts';
import type { RtlVerbOptions } from '../options.ts';
import { printJson, printLine } from '../output.ts';
import { eachRow } from './rtlResources.ts';

/** Units that can be placed by themselves: all but the wiring between them. */
const placedUnits = synthesisedUnits.filter((unit) => unit !== restModule);

/** `lutra rtl --place`: each unit placed and routed by open tools. Returns the exit code. */
export async function placeVerb(options: RtlVerbOptions): Promise<number> {
  const hw = openHardware(options);
  const versions = [yosysVersion(), `nextpnr-ice40 ${placementVersion()}`];
  const files = renderAll(hw, readTemplates());
  const wanted = placedUnits.filter((unit) => options.unit.length === 0 || options.unit.includes(unit));
  const rows = wanted.map((name) => ({ name }));
  const found = await eachRow('yosys and nextpnr', rows, options.json !== true, ({ name }, limits) =>
    place({ files: filesBelow(files, name), top: name }, limits),
  );
  if (!found) return exitCodes.interrupted;
  if (options.json === true) {
    const hardware = { name: hw.name, digest: hardwareDigest(hw) };
    const units = found.map((placement, index) => ({ unit: wanted[index], ...placement }));
    printJson({ schema: 'lutra.placement/1', hardware, tools: versions, device: placementDevice, units });
    return exitCodes.ok;
  }
  printLine(`${hw.name}: ${versions.join(', ')}; ${placementDevice.name}, each unit by itself between registers`);
  for (const line of describe(wanted, found)) printLine(line);
  return exitCodes.ok;
}

function describe(names: readonly string[], found: readonly Placement[]): string[] {
  const rows = found.map(({ lut4, registers, blockRams, megahertz }, index) => [
    names[index] as string,
    grouped(lut4),
    grouped(registers),
    grouped(blockRams),
    megahertz === null ? '·' : megahertz.toFixed(1),
  ]);
  const device = [placementDevice.logicCells, placementDevice.logicCells, placementDevice.blockRams].map(grouped);
  return [
    ...table([['unit', 'LUT4', 'FF', 'RAM 4k', 'MHz'], ...rows, [placementDevice.name, ...device, '']], 'numbers'),
    ...found.flatMap(({ why }, index) => (why === null ? [] : [`${names[index]} ${why}`])),
    'MHz: after placement and routing, wires included. A yardstick between versions of a unit; a larger device is another matter.',
  ];
}
