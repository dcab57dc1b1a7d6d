/** The register map for people and programs: a C header, accessors in Python and TypeScript, a page. */
import type { HardwareModel } from '../../hw/schema.ts';
import { registerMap } from '../registerMap.ts';
import { controlRegisters } from '../registers.ts';
import { type ExportTemplates, renderExport } from './render.ts';

/** Names of the files, in a folder `registers`. */
export const registerFileNames = ['lutra_regs.h', 'lutra_regs.py', 'lutra_regs.ts', 'registers.md'] as const;

/** Registers whose value depends on the hardware model, by name. */
const modelRegisters = Object.fromEntries(controlRegisters.map(({ name, reset }) => [name, reset === 'model']));
const none = Object.fromEntries(controlRegisters.map(({ name }) => [name, false]));

/** One of `registerFileNames` for a hardware model. */
export function renderRegisterFile(templates: ExportTemplates, name: string, hw: HardwareModel): string {
  return renderExport(templates, `registers/${name}`, { map: registerMap(hw), generic: false, fromModel: none });
}

/** docs/registers.md: the page for any hardware model. */
export function renderRegisterDocs(templates: ExportTemplates, hw: HardwareModel): string {
  return renderExport(templates, 'registers/registers.md', {
    map: registerMap(hw),
    generic: true,
    fromModel: modelRegisters,
  });
}
