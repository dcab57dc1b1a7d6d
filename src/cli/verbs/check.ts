import { type Diagnostic, exitCodes, LutraError } from '../../base/diagnostics.ts';
import {
  capacityWarnings,
  derive,
  describeHardware,
  estimateResources,
  hardwareDigest,
  loadHardwareModel,
} from '../../hw/index.ts';
import { describeTokenMachine, isTokenMachine, loadTokenMachine } from '../../papers/index.ts';
import { readText } from '../files.ts';
import { printJson, printLine, printWarning, reportError } from '../output.ts';

export interface CheckVerbOptions {
  readonly set: readonly string[];
  readonly json?: boolean;
}

interface Verdict {
  readonly file: string;
  readonly ok: boolean;
  readonly name?: string;
  readonly digest?: string;
  readonly description?: readonly string[];
  readonly derived?: unknown;
  readonly resources?: unknown;
  readonly warnings: readonly Diagnostic[];
  readonly errors: readonly Diagnostic[];
}

/** `lutra check HW…`: what each hardware model is, or every fault in it. Returns the exit code. */
export function checkVerb(files: readonly string[], options: CheckVerbOptions): number {
  const verdicts = files.map((file) => check(file, options.set));
  if (options.json) {
    printJson({ schema: 'lutra.check/1', models: verdicts.map(({ description, ...verdict }) => verdict) });
  } else {
    verdicts.forEach(({ description = [], warnings, errors }, index) => {
      if (index > 0 && description.length > 0) printLine('');
      for (const line of description) printLine(line);
      for (const warning of warnings) printWarning(warning);
      if (errors.length > 0) reportError(new LutraError(errors));
    });
  }
  return verdicts.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.no;
}

function check(file: string, overrides: readonly string[]): Verdict {
  const text = readText(file);
  try {
    if (isTokenMachine(text)) return checkTokenMachine(text, file, overrides);
    const hw = loadHardwareModel(text, file, overrides);
    const derived = derive(hw);
    return {
      file,
      ok: true,
      name: hw.name,
      digest: hardwareDigest(hw),
      description: describeHardware(hw),
      derived,
      resources: estimateResources(hw, derived),
      warnings: capacityWarnings(hw, derived).map((warning) => ({ ...warning, place: { file } })),
      errors: [],
    };
  } catch (error) {
    // A wrong --set is the command's fault, not the file's.
    if (!(error instanceof LutraError) || error.exit === 'usage') throw error;
    return { file, ok: false, warnings: [], errors: error.diagnostics };
  }
}

/** A published machine that is not one of ours: six units and tokens between them. */
function checkTokenMachine(text: string, file: string, overrides: readonly string[]): Verdict {
  if (overrides.length > 0) {
    const message = `--set ${overrides[0]}: a token machine takes no overrides`;
    throw new LutraError({ code: 'CLI013', place: { file }, message, hint: 'edit a copy of the file', exit: 'usage' });
  }
  const machine = loadTokenMachine(text, file);
  return { file, ok: true, name: machine.name, description: describeTokenMachine(machine), warnings: [], errors: [] };
}
