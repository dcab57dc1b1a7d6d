/** Verilog: templates, register map. */
export { renderAll, type Templates, type VerilogFile } from './render.ts';
