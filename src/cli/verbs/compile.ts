import { exitCodes } from '../../base/diagnostics.ts';
import { type CoprocessorPlan, describeCoprocessorPlan, describePlan, type Plan } from '../../compiler/index.ts';
import { type ProgramImage, serializeImage } from '../../isa/index.ts';
import { compileModel } from '../compileModel.ts';
import { checkOutputFile, writeFile } from '../files.ts';
import { openHardware } from '../inputs.ts';
import { withInterrupt } from '../interrupt.ts';
import type { CompileVerbOptions } from '../options.ts';
import { Progress, printJson, printLine, printNote } from '../output.ts';

/** `lutra compile MODEL -o IMAGE`: compiles, writes the image, prints the plan. Returns the exit code. */
export async function compileVerb(model: string, options: CompileVerbOptions): Promise<number> {
  checkOutputFile(options.out, options.force === true);
  const hw = openHardware(options);
  const progress = new Progress(options.json !== true);
  const { image } = await compileModel(model, hw, options, (text) => progress.update(() => text));
  progress.clear();
  await writeImage(options.out, image, options.force === true);
  if (options.json) printJson({ schema: 'lutra.compile/1', image: options.out, ...image.metadata });
  else {
    const { plan } = image.metadata;
    const lines = options.coprocessor ? describeCoprocessorPlan(plan as CoprocessorPlan) : describePlan(plan as Plan);
    for (const line of lines) printLine(line);
    printNote(`\nprogram image: ${options.out}`);
  }
  return exitCodes.ok;
}

/** Writes an image; a Ctrl-C that comes meanwhile waits until the file is whole. */
export function writeImage(file: string, image: ProgramImage, force: boolean): Promise<void> {
  return withInterrupt(async () => writeFile(file, serializeImage(image), force));
}
