import { type CompiledModule, compile } from 'verilator-wasm';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { renderTemplate } from '../../src/rtl/render.ts';
import { templatesFromDisk } from './templates.ts';

/** Static parts that the modules of the front end and of control are made of. */
const parts = [
  'lib/counter_bank.sv',
  'lib/counting_semaphore.sv',
  'lib/fifo.sv',
  'lib/mem_distributed.sv',
  'lib/mem_simple.sv',
  'lib/multiply_low.sv',
];

/** Compiles one module of a hardware model; warnings are errors. `templates` are the files besides the shared parts. */
export function compileModule(
  hw: HardwareModel,
  top: string,
  templates: readonly string[],
  parameters: Record<string, number> = {},
): Promise<CompiledModule> {
  const all = templatesFromDisk();
  const files = [...parts, ...templates].map((name) => ({
    name: (name.split('/').at(-1) as string).replace('.hbs', ''),
    text: renderTemplate(all, name, hw),
  }));
  return compile({ files, top, parameters, warnings: 'error', xInitial: 'unique' });
}
