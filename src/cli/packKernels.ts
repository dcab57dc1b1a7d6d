/** The loops of packing as WebAssembly, where the host has it. */
import { fastWeightKernels } from '../model/fastWeights.ts';
import { plainWeightKernels, type WeightKernels } from '../model/weightKernels.ts';
import { type PackKernels, plainPackKernels } from '../numerics/pack.ts';
import { fastPackKernels } from '../numerics/packing/kernels.ts';
import { hasSimd } from '../numerics/simd.ts';
import { assembly } from './assembly.ts';

/** Everything that loops over all weights of a model. */
export interface Packer {
  readonly weights: WeightKernels;
  readonly pack: PackKernels;
}

export const plainPacker: Packer = { weights: plainWeightKernels, pack: plainPackKernels };

/** The module of the kernels; undefined on a host without WebAssembly SIMD. */
export async function packingModule(): Promise<WebAssembly.Module | undefined> {
  const plain = process.env['LUTRA_KERNELS'] === 'plain' || typeof WebAssembly === 'undefined' || !hasSimd();
  return plain ? undefined : new WebAssembly.Module(await assembly('packing'));
}

/** Kernels for one thread. */
export function packerOf(module: WebAssembly.Module | undefined): Packer {
  if (!module) return plainPacker;
  const instance = () => new WebAssembly.Instance(module, {});
  return { weights: fastWeightKernels(instance()), pack: fastPackKernels(instance()) };
}
