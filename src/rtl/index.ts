/** Verilog: templates, register map. */
export { type ExportTarget, exportTargets, knownBoards } from './export/boards.ts';
export { exportProject, manifestFile } from './export/project.ts';
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
