/** A model and a machine in, a program image out. */
export { type CompileOptions, compile, defaultCoarseBits, planProgram } from './compile.ts';
export {
  type CoprocessorPlan,
  compileCoprocessor,
  describeCoprocessorPlan,
  planCoprocessor,
} from './coprocessor.ts';
export { type AttentionOrder, attentionOrders } from './emitSpilledAttention.ts';
export { beginningAt } from './lateStart.ts';
export { type PackJob, type PlannedProgram, packedSegments, packInMemory } from './packing.ts';
export { describePlan, type Plan } from './plan.ts';
