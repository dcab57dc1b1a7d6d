import type { Derived } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { romContext } from './tables.ts';
import { attentionContext } from './units/attention.ts';
import { buffersContext } from './units/buffers.ts';
import { controlContext } from './units/control.ts';
import { countersContext } from './units/counters.ts';
import { decoderContext } from './units/decoder.ts';
import { dmaContext } from './units/dma.ts';
import { frontEndContext } from './units/frontEnd.ts';
import { kvStoreContext } from './units/kvStore.ts';
import { lutraContext, topContext } from './units/lutra.ts';
import { matmulContext } from './units/matmul.ts';
import { samplerContext } from './units/sampler.ts';
import { vectorContext } from './units/vector.ts';
import { weightBufferContext } from './units/weightBuffer.ts';

/** Numbers that a template needs beyond the hardware model and its derived quantities, as `unit.NAME`. */
export type TemplateContext = (hw: HardwareModel, derived: Derived) => Readonly<Record<string, unknown>>;

/** By name of the template, without folder and extension. */
export const templateContexts: Readonly<Record<string, TemplateContext>> = {
  buffers: buffersContext,
  attention: attentionContext,
  control: controlContext,
  counters: countersContext,
  decoder: decoderContext,
  dma: dmaContext,
  fp_exp_table: () => romContext('exp'),
  fp_reciprocal_table: () => romContext('reciprocal'),
  fp_rsqrt_table: () => romContext('rsqrt'),
  frontEnd: frontEndContext,
  sampler: samplerContext,
  kvStore: kvStoreContext,
  lutra: lutraContext,
  lutra_top: topContext,
  matmul: matmulContext,
  weightBuffer: weightBufferContext,
  vector: vectorContext,
};
