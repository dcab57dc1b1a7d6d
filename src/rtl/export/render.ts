/**
 * The templates of `export-templates` and what they may ask for. As with the Verilog, a template holds text, names and
 * simple repeats; what is said is computed in TypeScript.
 */
import Handlebars from 'handlebars';
import { LutraError } from '../../base/diagnostics.ts';
import type { VerilogFile } from '../render.ts';

/** Contents of `export-templates`, by path below it: `registers/lutra_regs.h.hbs`. */
export type ExportTemplates = ReadonlyMap<string, string>;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const handlebars = Handlebars.create();
handlebars.registerHelper({
  eq: (a: unknown, b: unknown) => a === b,
  hex: (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`,
  hexDigits: (value: number, digits: number) => value.toString(16).padStart(digits, '0'),
  upper: (text: string) => text.toUpperCase(),
  plural: (count: number) => (count === 1 ? '' : 's'),
  snake: (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  xml: (text: string) => text.replace(/[&<>"]/g, (letter) => escapes[letter] as string),
});

/** Fills a template. Throws LutraError RTL002 when it asks for what it is not given. */
export function renderExport(
  templates: ExportTemplates,
  name: string,
  context: Readonly<Record<string, unknown>>,
): string {
  const text = templates.get(`${name}.hbs`);
  const fault = (message: string) => new LutraError({ code: 'RTL002', message, exit: 'internal' });
  if (text === undefined) throw fault(`there is no template ${name}.hbs`);
  try {
    return handlebars.compile(text, { noEscape: true, strict: true })(context);
  } catch (error) {
    throw fault(`template ${name}.hbs: ${(error as Error).message}`);
  }
}

/** The files below a folder of the templates that go into an export as they are. */
export function plainFiles(templates: ExportTemplates, folder: string): VerilogFile[] {
  return [...templates]
    .filter(([path]) => path.startsWith(folder) && !path.endsWith('.hbs'))
    .map(([path, text]) => ({ path, text }));
}
