/** The register map for people and programs: a C header, accessors in Python and TypeScript, a page. */
import type { HardwareModel } from '../../hw/schema.ts';
import { registerMap } from '../registerMap.ts';
import { controlRegisters } from '../registers.ts';
import { type ExportTemplates, renderExport } from './render.ts';

/** Names of the files, in a folder `registers`. */
export const registerFileNames = ['lutra_regs.h', 'lutra_regs.py', 'lutra_regs.ts', 'registers.md'] as const;

/** What the page for any machine says of values that follow from something else, by name; the page of one machine has them. */
const resetDocs = Object.fromEntries(controlRegisters.map(({ name, resetDoc }) => [name, resetDoc ?? '']));
const none = Object.fromEntries(controlRegisters.map(({ name }) => [name, '']));

/** One of `registerFileNames` for a hardware model. */
export function renderRegisterFile(templates: ExportTemplates, name: string, hw: HardwareModel): string {
  return renderExport(templates, `registers/${name}`, { map: registerMap(hw), generic: false, resetDocs: none });
}

/** docs/registers.md: the page for any hardware model. */
export function renderRegisterDocs(templates: ExportTemplates, hw: HardwareModel): string {
  return renderExport(templates, 'registers/registers.md', {
    map: registerMap(hw),
    generic: true,
    resetDocs,
  });
}
