import { exitCodes } from '../../base/diagnostics.ts';
import { disassemble, parseImage } from '../../isa/index.ts';
import { checkOutputFile, fileSource } from '../files.ts';
import { assembleFile, openHardware } from '../inputs.ts';
import type { AsmVerbOptions } from '../options.ts';
import { print, printJson, printLine, printWarning } from '../output.ts';
import { writeImage } from './compile.ts';

/** `lutra asm FILE -o IMAGE`: assembles and verifies a program for one machine. Returns the exit code. */
export async function asmVerb(file: string, options: AsmVerbOptions): Promise<number> {
  checkOutputFile(options.out, options.force === true);
  const { image, warnings } = assembleFile(file, openHardware(options, file));
  for (const warning of warnings) printWarning(warning);
  await writeImage(options.out, image, options.force === true);
  const { code, labels, segments, memoryBytes, metadata } = image;
  if (options.json) {
    printJson({
      schema: 'lutra.asm/1',
      image: options.out,
      hardware: { name: metadata.hardwareName, digest: metadata.hardwareDigest },
      instructions: code.length,
      labels: Object.fromEntries(labels),
      segments: segments.map(({ name, kind, address, bytes }) => ({ name, kind, address, bytes })),
      memoryBytes,
      warnings,
    });
  } else {
    printLine(
      `${options.out}: ${code.length} instructions, ${segments.length} segments, ${memoryBytes} bytes of memory, for ${metadata.hardwareName}`,
    );
  }
  return exitCodes.ok;
}

/** `lutra disasm IMAGE`: the program as assembly text on stdout. Returns the exit code. */
export function disasmVerb(file: string, options: { readonly json?: boolean }): number {
  const { code, labels, segments, codeAddress, memoryBytes, metadata } = parseImage(fileSource(file));
  const text = disassemble(code, { labels, segments, codeAddress });
  if (options.json) {
    const { plan, ...about } = metadata;
    printJson({
      schema: 'lutra.disasm/1',
      ...about,
      codeAddress,
      memoryBytes,
      segments: segments.map(({ name, kind, address, bytes }) => ({ name, kind, address, bytes })),
      instructions: code.length,
      text,
    });
  } else print(text);
  return exitCodes.ok;
}
