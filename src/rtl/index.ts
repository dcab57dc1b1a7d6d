/** Verilog: templates, register map. */
export { counterClass } from './counterClasses.ts';
export { type ExportTarget, exportTargets, knownBoards } from './export/boards.ts';
export { checkPlan, type ToolCheck } from './export/checks/plan.ts';
export { type ExportProject, exportProject, manifestFile, type SelfTestFiles } from './export/project.ts';
export type { SimulationVector } from './export/simulation.ts';
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
