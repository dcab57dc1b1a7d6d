import { exitCodes } from '../../base/diagnostics.ts';
import { hardwareDigest } from '../../hw/index.ts';
import { renderAll, type VerilogFile } from '../../rtl/index.ts';
import { checkOutputDirectory, createDirectory, readTemplates, verilogDirectory } from '../files.ts';
import { openHardware } from '../inputs.ts';
import type { RtlVerbOptions } from '../options.ts';
import { printJson, printLine } from '../output.ts';

/** `lutra rtl --hw FILE -o DIR`: the Verilog of a hardware model. Returns the exit code. */
export async function rtlVerb(options: RtlVerbOptions): Promise<number> {
  const hw = openHardware(options);
  const force = options.force === true;
  checkOutputDirectory(options.out, force, verilogDirectory);
  const files = renderAll(hw, readTemplates());
  const directory = createDirectory(options.out, force, verilogDirectory);
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
      directory: options.out,
      top: 'lutra_top',
      files: files.map(({ path }) => path),
      lines,
    });
  } else
    printLine(`${options.out}: ${files.length} Verilog files, ${lines} lines, top module lutra_top, for ${hw.name}`);
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
