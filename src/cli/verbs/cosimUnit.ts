import { exitCodes, LutraError } from '../../base/diagnostics.ts';
import { buildFloatUnit } from '../../cosim/floatUnit.ts';
import { parseTestFloat, runVectors, testFloatOperation, type VectorMismatch } from '../../cosim/testFloat.ts';
import { readTemplates, readText } from '../files.ts';
import { openHardware } from '../inputs.ts';
import type { CosimVerbOptions } from '../options.ts';
import { printJson, printLine } from '../output.ts';

/** Cycles from operands to result of the operation under test. */
const latency = 3;

/** `lutra cosim --unit NAME --vectors FILE`: vectors of Berkeley TestFloat on the float library. Returns the exit code. */
export async function cosimUnit(
  target: string | undefined,
  options: CosimVerbOptions,
  cacheDirectory: string,
): Promise<number> {
  const { unit, vectors: file } = options;
  if (unit === undefined || file === undefined) {
    throw usage(unit === undefined ? '--vectors needs --unit' : '--unit needs --vectors');
  }
  if (target !== undefined) throw usage('--unit takes no program');
  const operation = testFloatOperation(unit);
  const vectors = parseTestFloat(operation, readText(file), file);
  const verilog = await buildFloatUnit(
    {
      hw: openHardware(options),
      templates: readTemplates(),
      cacheDirectory,
      engine: options.engine,
      waveform: false,
    },
    operation,
    latency,
  );
  const report = runVectors(verilog.instantiate(), vectors, latency);
  if (options.json) {
    const equal = report.mismatches === 0;
    printJson({ schema: 'lutra.cosim-unit/1', unit, engine: verilog.engine, equal, ...report });
  } else {
    const left = report.skipped > 0 ? `, ${report.skipped} without an integer left out` : '';
    printLine(`vectors   ${report.compared} compared (${verilog.engine})${left}`);
    printLine(`verdict   ${report.mismatches === 0 ? 'equal' : `${report.mismatches} DIFFERENT`} on ${unit}`);
    const first = report.first[0];
    if (first) printLine(`first     ${file}:${first.line}: ${described(first, operation.operands.length)}`);
  }
  return report.mismatches === 0 ? exitCodes.ok : exitCodes.no;
}

function described({ a, b, got, expected }: VectorMismatch, operands: number): string {
  const given = operands === 2 ? `${hex(a)} and ${hex(b)}` : hex(a);
  return `${given} give ${hex(got)}, not ${hex(expected)}`;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase();
}

function usage(message: string): LutraError {
  return new LutraError({ code: 'CLI012', message, hint: 'lutra cosim -h shows how', exit: 'usage' });
}
