import type { CompiledModule } from 'verilator-wasm';
import { renderTemplate } from '../rtl/render.ts';
import { compileVerilog, type VerilogBuild } from './build.ts';
import { type TestFloatOperation, testFloatBench, testFloatTop } from './testFloat.ts';

/**
 * One operation of the float library by itself, with `latency` cycles from operands to result.
 * Throws LutraError COS001 and COS002 like `buildVerilog`.
 */
export function buildFloatUnit(
  build: VerilogBuild,
  operation: TestFloatOperation,
  latency: number,
): Promise<CompiledModule> {
  const library = [...build.templates.keys()]
    .filter((name) => /^lib\/(fp_|delay)/.test(name))
    .sort()
    .map((name) => ({
      name: name.slice('lib/'.length).replace('.hbs', ''),
      text: renderTemplate(build.templates, name, build.hw),
    }));
  const bench = { name: `${testFloatTop}.sv`, text: testFloatBench(operation, latency) };
  return compileVerilog(build, [...library, bench], testFloatTop);
}
