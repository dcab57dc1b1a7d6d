/** A model and a machine in, a program image out. */
export { type CompileOptions, compile, defaultCoarseBits } from './compile.ts';
export { type CoprocessorPlan, compileCoprocessor, describeCoprocessorPlan } from './coprocessor.ts';
export { type AttentionOrder, attentionOrders } from './emitSpilledAttention.ts';
export { describePlan, type Plan } from './plan.ts';
