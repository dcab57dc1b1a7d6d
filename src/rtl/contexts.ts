import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';

/** Numbers that a template needs beyond the hardware model and its derived quantities, as `unit.NAME`. */
export type TemplateContext = (hw: HardwareModel, derived: Derived) => Readonly<Record<string, unknown>>;

/** By name of the template, without folder and extension. */
export const templateContexts: Readonly<Record<string, TemplateContext>> = {};
