/** The loops of packing as WebAssembly, where the host has it. */
import { fastWeightKernels } from '../model/fastWeights.ts';
import { plainWeightKernels, type WeightKernels } from '../model/weightKernels.ts';
import { type PackKernels, plainPackKernels } from '../numerics/pack.ts';
import { fastPackKernels } from '../numerics/packing/kernels.ts';
import { hasSimd } from '../numerics/simd.ts';
import { assembly } from './assembly.ts';
import { printNote } from './output.ts';

/** Everything that loops over all weights of a model. */
export interface Packer {
  readonly weights: WeightKernels;
  readonly pack: PackKernels;
}

export const plainPacker: Packer = { weights: plainWeightKernels, pack: plainPackKernels };

/** The module of the kernels; undefined on a host without WebAssembly SIMD, which it says. */
export async function packingModule(): Promise<WebAssembly.Module | undefined> {
  if (process.env['LUTRA_KERNELS'] === 'plain') return undefined;
  if (typeof WebAssembly !== 'undefined' && hasSimd()) return new WebAssembly.Module(await assembly('packing'));
  printNote('no WebAssembly SIMD on this host: weights are packed by the plain functions, the same but slower');
  return undefined;
}

/** Kernels for one thread. */
export function packerOf(module: WebAssembly.Module | undefined): Packer {
  if (!module) return plainPacker;
  const instance = () => new WebAssembly.Instance(module, {});
  return { weights: fastWeightKernels(instance()), pack: fastPackKernels(instance()) };
}
