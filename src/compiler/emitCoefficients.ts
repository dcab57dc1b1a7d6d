/** Code for loading the coefficient buffer: rotations, and whatever goes to its two slots in turn. */
import type { OperandValue } from '../isa/instruction.ts';
import type { MemoryFormat } from '../isa/table.ts';
import { at, type Sync } from './builder.ts';
import { type EmitContext, emitToggle, formatIndex, spaceIndex } from './emitContext.ts';
import { type Rows, scaleOrder } from './place.ts';
import { registers as r } from './registers.ts';

interface CoefficientRow {
  /** Default `coef`. */
  readonly space?: 'act' | 'coef';
  readonly format: MemoryFormat;
  readonly local: OperandValue;
  readonly remote: OperandValue;
  readonly elements: number;
}

export function emitRowLoad({ builder }: EmitContext, row: CoefficientRow, sync: Sync): void {
  const { space = 'coef', format, local, remote, elements } = row;
  builder.emit(
    'dma.load',
    {
      space: spaceIndex(space),
      format: formatIndex(format),
      local,
      remote,
      elements,
      rows: 1,
      remoteStride: 0,
      localPitch: elements,
    },
    sync,
  );
}

/** `coefLoad` or `coefUse` to the other coefficient slot. */
export function emitCoefficientToggle(context: EmitContext, register: number): void {
  const { ring, slotElements } = context.chip.coef;
  emitToggle(context, register, ring, slotElements);
}

/** The gains and scales at `coefAddress` to the next coefficient slot. */
export function emitLayerCoefficients(context: EmitContext): void {
  const { builder, chip, map } = context;
  const { layout } = chip.coef;
  emitRowLoad(
    context,
    { format: map.formats.gains, local: at(r.coefLoad), remote: at(r.coefAddress), elements: layout.gains },
    { needs: ['coefFree'] },
  );
  emitRowLoad(
    context,
    {
      format: 'float32',
      local: at(r.coefLoad, layout.scales),
      remote: at(r.coefAddress, map.scales),
      elements: scaleOrder.length,
    },
    { gives: ['dmaDone'] },
  );
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.coefficientStride });
  emitCoefficientToggle(context, r.coefLoad);
}

/** The gains of the final norm to the next coefficient slot. */
export function emitFinalNormGains(context: EmitContext): void {
  const { model, map } = context;
  emitRowLoad(
    context,
    {
      format: map.formats.gains,
      local: at(r.coefLoad),
      remote: map.finalNorm,
      elements: model.shape.hiddenSize,
    },
    { needs: ['coefFree'], gives: ['dmaDone'] },
  );
  emitCoefficientToggle(context, r.coefLoad);
}

/** The scales of a head tile's columns, at `coefAddress`, to the next coefficient slot. */
export function emitHeadScales(context: EmitContext, columns: number): void {
  const { builder, map } = context;
  emitRowLoad(
    context,
    { format: 'float32', local: at(r.coefLoad), remote: at(r.coefAddress), elements: columns },
    { needs: ['coefFree'], gives: ['dmaDone'] },
  );
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.headScaleStride });
  emitCoefficientToggle(context, r.coefLoad);
}

/** Scales and bounds of a coarse tile's columns, at `coefAddress`: to the next coefficient slot and slot of bounds. */
export function emitCoarseCoefficients(context: EmitContext, columns: number): void {
  const { builder, chip, map } = context;
  const format = 'bfloat16';
  emitRowLoad(
    context,
    { format, local: at(r.coefLoad), remote: at(r.coefAddress), elements: columns },
    { needs: ['coefFree'] },
  );
  emitRowLoad(
    context,
    { space: 'act', format, local: at(r.bounds), remote: at(r.coefAddress, map.coarseBounds), elements: columns },
    { needs: ['boundsFree'], gives: ['dmaDone'] },
  );
  builder.emit('add', { rd: r.coefAddress, a: at(r.coefAddress), b: map.coarseScaleStride });
  emitCoefficientToggle(context, r.coefLoad);
  const { address, pitch } = chip.bounds as Rows;
  emitToggle(context, r.bounds, address, pitch);
}

/**
 * The rotations of the next `rows` positions. The pass that would begin past the last position is never run, but its
 * rotations are loaded before `end` is reached: the last position's stand in for them.
 */
export function emitRotations({ builder, model, map, group }: EmitContext, rows: OperandValue): void {
  builder.emit('min', { rd: r.scratch0, a: at(r.position), b: model.maxPositions - 1 });
  builder.emit('mul', { rd: r.scratch0, a: at(r.scratch0), b: map.ropeRowBytes });
  builder.emit('add', { rd: r.scratch0, a: at(r.scratch0), b: map.rope });
  builder.emit('dma.load', {
    space: spaceIndex('coef'),
    format: formatIndex('float32'),
    local: group.rope,
    remote: at(r.scratch0),
    elements: model.shape.headDimension,
    rows,
    remoteStride: map.ropeRowBytes,
    localPitch: model.shape.headDimension,
  });
}
