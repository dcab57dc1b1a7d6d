/**
 * Pass 4, memory map: addresses of everything that lies in external memory.
 */
import { LutraError } from '../base/diagnostics.ts';
import { type Derived, powerOfTwoUp } from '../hw/derive.ts';
import type { HardwareModel } from '../hw/schema.ts';
import { commandHeaderBytes, type SegmentKind } from '../isa/segments.ts';
import { type OnChip, scaleOrder, type TiledModel } from './place.ts';
import { roundUp, tileAlignment } from './tile.ts';

/** How gains and embedding rows are stored: bfloat16 where that loses nothing. */
export type StoredFloat = 'bfloat16' | 'float32';

export interface Formats {
  readonly gains: StoredFloat;
  readonly embedding: StoredFloat;
}

export const storedBytes: Record<StoredFloat, number> = { bfloat16: 2, float32: 4 };

export interface Region {
  readonly name: string;
  readonly kind: SegmentKind;
  readonly address: number;
  readonly bytes: number;
}

export interface MemoryMap {
  readonly formats: Formats;
  /** Coefficients of layer l at `coefficients + l · coefficientStride`: gains, then scales from `scales` on. */
  readonly coefficients: number;
  readonly coefficientStride: number;
  readonly scales: number;
  readonly finalNorm: number;
  /** Cosines then sines of each position, float32. */
  readonly rope: number;
  readonly ropeRowBytes: number;
  readonly embedding: number;
  readonly embeddingRowBytes: number;
  /** Tiles of layer l at `weights + l · weightStride`, in the order of the program, one after the other. */
  readonly weights: number;
  readonly weightStride: number;
  readonly head: number;
  /** Column scales of head tile t at `headScales + t · headScaleStride`, float32. */
  readonly headScales: number;
  readonly headScaleStride: number;
  /**
   * Tiles of the coarse pass; of its tile t the column scales at `coarseScales + t · coarseScaleStride`, bfloat16, and the
   * bounds, bfloat16 too, `coarseBounds` bytes later.
   */
  readonly coarse: number;
  readonly coarseScales: number;
  readonly coarseScaleStride: number;
  readonly coarseBounds: number;
  /** Spilled keys and values of layer l at `kv + l · kvStride`: keys, then values `kvHalf` bytes later. */
  readonly kv: number;
  readonly kvStride: number;
  readonly kvHalf: number;
  /** Activations of a pass, where they are spilled. */
  readonly activations: number;
  /** The code comes last: nothing refers to its address. */
  readonly code: number;
  /** Sorted by address; the code is not among them. */
  readonly regions: readonly Region[];
}

/** Most bytes of code that a program may have. */
export const codeReserve = 65_536;

/** Addresses have 32 bits, so no hardware model has more memory. */
const addressableBytes = 2 ** 32;

/** Regions begin where a DRAM page and an AXI boundary begin. */
const regionAlignment = 4096;

/** Lays out external memory, with `activationBytes` for spilled activations. Throws CMP030 if the model does not fit. */
export function mapMemory(
  model: TiledModel,
  chip: OnChip,
  formats: Formats,
  hw: HardwareModel,
  derived: Derived,
  activationBytes = 0,
): MemoryMap {
  const { shape, maxPositions } = model;
  const { layout } = chip.coef;
  const regions: Region[] = [];
  let next = 0;
  const region = (name: string, kind: SegmentKind, bytes: number, alignment = regionAlignment): number => {
    const address = roundUp(next, alignment);
    if (bytes > 0) regions.push({ name, kind, address, bytes: roundUp(bytes, tileAlignment) });
    next = address + roundUp(bytes, tileAlignment);
    return address;
  };

  region('command', 'command', commandHeaderBytes + 4 * maxPositions);
  const scales = roundUp(layout.gains * storedBytes[formats.gains], tileAlignment);
  const coefficientStride = scales + roundUp(4 * scaleOrder.length, tileAlignment);
  const finalNormBytes = shape.hiddenSize * storedBytes[formats.gains];
  const coefficients = region('coefficients', 'coefficients', shape.layerCount * coefficientStride + finalNormBytes);
  const ropeRowBytes = roundUp(4 * shape.headDimension, derived.portBytes);
  const rope = region('rope', 'rope', maxPositions * ropeRowBytes);
  const embeddingBytes = shape.hiddenSize * storedBytes[formats.embedding];
  const gathered = Math.min(derived.gatherAlignmentBytes, powerOfTwoUp(embeddingBytes));
  const embeddingRowBytes = roundUp(embeddingBytes, Math.max(gathered, derived.portBytes));
  const embedding = region('embedding', 'embedding', shape.vocabularySize * embeddingRowBytes);

  const weightStride = model.layer.reduce(
    (sum, { tiles }) => sum + tiles.reduce((bytes, one) => bytes + one.bytes, 0),
    0,
  );
  const weights = roundUp(next, regionAlignment);
  for (let layer = 0; layer < shape.layerCount; layer++) {
    region(`layers.${layer}.weights`, 'ternary', weightStride, layer === 0 ? regionAlignment : tileAlignment);
  }
  const headBytes = model.head.tiles.reduce((sum, { bytes }) => sum + bytes, 0);
  const head = region('head.weights', 'head', headBytes);
  const headScaleStride = roundUp(4 * (model.head.tiles[0]?.pieces[0]?.columns ?? 0), tileAlignment);
  const headScales = region('head.scales', 'coefficients', model.head.tiles.length * headScaleStride);
  const coarseTiles = model.coarse?.tiles ?? [];
  const coarseBytes = coarseTiles.reduce((sum, { bytes }) => sum + bytes, 0);
  const coarse = region('coarse.weights', 'head', coarseBytes);
  const coarseBounds = roundUp(2 * (coarseTiles[0]?.pieces[0]?.columns ?? 0), tileAlignment);
  const coarseScaleStride = 2 * coarseBounds;
  const coarseScales = region('coarse.scales', 'coefficients', coarseTiles.length * coarseScaleStride);
  const kvHalf = (maxPositions - chip.kv.residentPositions) * chip.kv.rowBytes;
  const kv = region('kv', 'kv', shape.layerCount * 2 * kvHalf);
  const activations = region('activations', 'data', activationBytes);
  const code = roundUp(next, regionAlignment);

  const end = code + codeReserve;
  const { capacityBytes } = hw.memory;
  if (end > capacityBytes) {
    const largest = regions.reduce((a, b) => (b.bytes > a.bytes ? b : a));
    throw new LutraError({
      code: 'CMP030',
      message: `the model does not fit external memory: it needs ${end} bytes, and memory has ${capacityBytes}; the largest part is ${largest.name} with ${largest.bytes}`,
      hint:
        end > addressableBytes
          ? 'addresses have 32 bits; lower --max-positions'
          : `raise memory.capacityBytes to at least ${end}, or lower --max-positions`,
    });
  }
  return {
    formats,
    coefficients,
    coefficientStride,
    scales,
    finalNorm: coefficients + shape.layerCount * coefficientStride,
    rope,
    ropeRowBytes,
    embedding,
    embeddingRowBytes,
    weights,
    weightStride,
    head,
    headScales,
    headScaleStride,
    coarse,
    coarseScales,
    coarseScaleStride,
    coarseBounds,
    kv,
    kvStride: 2 * kvHalf,
    kvHalf,
    activations,
    code,
    regions,
  };
}
