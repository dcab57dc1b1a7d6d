import { exitCodes, LutraError } from '../../base/diagnostics.ts';
import { hardwareDigest } from '../../hw/index.ts';
import { renderAll, synthesisedUnits, type VerilogFile } from '../../rtl/index.ts';
import { checkOutputDirectory, createDirectory, readTemplates, verilogDirectory } from '../files.ts';
import { openHardware } from '../inputs.ts';
import type { RtlVerbOptions } from '../options.ts';
import { printJson, printLine } from '../output.ts';
import { exportVerb } from './rtlExport.ts';
import { placeVerb } from './rtlPlace.ts';
import { resourcesVerb } from './rtlResources.ts';

/**
 * `lutra rtl --hw FILE -o DIR`: the Verilog of a hardware model, with --export in a project for a vendor's tool; with
 * --resources what it costs, or with --place how fast it is, with or without a directory. Returns the exit code.
 */
export async function rtlVerb(options: RtlVerbOptions): Promise<number> {
  checkOptions(options);
  const { out, export: target } = options;
  if (target !== undefined) return exportVerb({ ...options, export: target, out: out as string });
  if (out !== undefined) checkOutputDirectory(out, options.force === true, verilogDirectory);
  if (options.resources !== true && options.place !== true) return writeVerilog(options, out as string);
  if (out !== undefined) writeVerilog({ ...options, json: false }, out);
  return options.place === true ? placeVerb(options) : resourcesVerb(options);
}

function checkOptions(options: RtlVerbOptions): void {
  const { out, resources, place, unit, tableForms, crossCheck } = options;
  const synthesised = resources === true || place === true;
  const fault = (message: string, hint: string) => new LutraError({ code: 'CLI011', message, hint, exit: 'usage' });
  if (!synthesised && unit.length > 0) throw fault('--unit belongs to --resources and --place', 'add one of them');
  if (resources !== true && (tableForms === true || crossCheck === true)) {
    throw fault('--table-forms and --cross-check belong to --resources', 'add --resources');
  }
  if (resources === true && place === true) {
    throw fault('--resources and --place are two tables', 'leave one of them out');
  }
  if (options.export === undefined && (options.board !== undefined || options.check === true)) {
    throw fault(
      `--${options.check === true ? 'check' : 'board'} belongs to --export`,
      'add --export vivado, vitis, quartus, fusesoc or all',
    );
  }
  if (options.export !== undefined && synthesised) {
    throw fault(`--export and --${place === true ? 'place' : 'resources'} are two things`, 'leave one of them out');
  }
  if (options.export !== undefined && out === undefined) {
    throw fault('--export needs a directory to write to', '-o DIR');
  }
  if (!synthesised && out === undefined) {
    throw fault('there is nothing to do without --out, --resources or --place', 'give the Verilog a directory: -o DIR');
  }
  const unknown = unit.find((name) => !synthesisedUnits.includes(name));
  if (unknown !== undefined) throw fault(`there is no unit '${unknown}'`, `one of ${synthesisedUnits.join(', ')}`);
}

function writeVerilog(options: RtlVerbOptions, out: string): number {
  const hw = openHardware(options);
  const files = renderAll(hw, readTemplates());
  const directory = createDirectory(out, options.force === true, verilogDirectory);
  const write = (name: string, text: string) => {
    const file = directory.create(name);
    file.write(text);
    file.finish();
  };
  for (const { path, text } of files) write(path, text);
  write('files.f', fileList(files));
  write('hardware.json', `${JSON.stringify(hw, null, 2)}\n`);
  directory.finish();
  const lines = files.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
  if (options.json) {
    printJson({
      schema: 'lutra.rtl/1',
      hardware: { name: hw.name, digest: hardwareDigest(hw) },
      directory: out,
      top: 'lutra_top',
      files: files.map(({ path }) => path),
      lines,
    });
  } else printLine(`${out}: ${files.length} Verilog files, ${lines} lines, top module lutra_top, for ${hw.name}`);
  return exitCodes.ok;
}

/** For `-f`: paths are relative to the directory. */
function fileList(files: readonly VerilogFile[]): string {
  return files
    .map(({ path }) => path)
    .filter((path) => /\.s?v$/.test(path))
    .map((path) => `${path}\n`)
    .join('');
}
