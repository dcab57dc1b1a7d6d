/** Verilog: templates, register map. */
export { renderAll, type Templates, type VerilogFile } from './render.ts';
export {
  countCells,
  filesBelow,
  restModule,
  synthesisedUnits,
  totalResources,
  type UnitResources,
  withoutUltraRam,
} from './resources.ts';
