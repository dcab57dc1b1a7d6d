/** Hardware models: one JSON file describes one accelerator; everything else follows from it. */
export { describeHardware } from './check.ts';
export {
  type AlphabetDerived,
  ceilLog2,
  type Derived,
  derive,
  floatFormatBytes,
  weightBufferUltraRams,
} from './derive.ts';
export { hardwareDigest } from './digest.ts';
export { renderHardwareModelDocs, renderHardwareModelJsonSchema } from './docs.ts';
export { loadHardwareModel } from './load.ts';
export { estimateResources, type ResourceEstimate, type Resources, type UnitEstimate } from './resources.ts';
export { capacityWarnings } from './rules.ts';
export { type HardwareModel, hardwareModelSchema } from './schema.ts';
