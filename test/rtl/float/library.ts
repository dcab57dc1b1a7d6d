import type { SourceFile } from 'verilator-wasm';
import { renderTemplate } from '../../../src/rtl/render.ts';
import { hardware } from '../../machine/harness.ts';
import { templatesFromDisk } from '../templates.ts';

/** The float library as Verilog files. It is the same for every hardware model. */
export function renderLibrary(): Exclude<SourceFile, string>[] {
  const templates = templatesFromDisk();
  const hw = hardware('tiny');
  return [...templates.keys()]
    .filter((name) => /^lib\/(fp_|delay)/.test(name))
    .sort()
    .map((name) => ({
      name: name.slice('lib/'.length).replace('.hbs', ''),
      text: renderTemplate(templates, name, hw),
    }));
}
