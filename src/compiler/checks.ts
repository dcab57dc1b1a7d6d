/**
 * What must hold between the passes. A broken condition is a fault of the compiler, not of its input: CMP09x.
 */
import { LutraError } from '../base/diagnostics.ts';
import { codeReserve, type MemoryMap } from './memoryMap.ts';
import { headPasses, type OnChip, type Rows, type TiledModel } from './place.ts';
import { type TiledOperation, tileAlignment } from './tile.ts';

function require(condition: boolean, code: string, sentence: string): void {
  if (!condition) throw new LutraError({ code, message: sentence, exit: 'internal' });
}

/** After tiling: every column of every output is in exactly one tile, tiles fit their slot, pieces keep their granule. */
export function checkTiling(model: TiledModel): void {
  for (const operation of [...model.layer, ...headPasses(model)]) checkOperation(operation, model.slotWords);
  require(model.slots >= 2, 'CMP090', `the weight buffer has ${model.slots} slots, and needs 2`);
}

function checkOperation(operation: TiledOperation, slotWords: number): void {
  const next = new Map(operation.outputs.map(({ name }) => [name, 0]));
  for (const { pieces, words, bytes } of operation.tiles) {
    require(words <= slotWords, 'CMP090', `${operation.name}: a tile of ${words} words in a slot of ${slotWords}`);
    require(bytes % tileAlignment === 0, 'CMP090', `${operation.name}: a tile of ${bytes} bytes is not aligned`);
    let end = 0;
    for (const { output, first, columns, offset } of pieces) {
      const granule = operation.outputs.find(({ name }) => name === output)?.granule ?? 1;
      require(first === next.get(output) &&
        columns > 0, 'CMP090', `${operation.name}: ${output} column ${first} follows ${next.get(output)}`);
      require(offset >= end &&
        offset % granule === 0 &&
        first % granule === 0, 'CMP090', `${operation.name}: ${output} begins at column ${offset} of its tile`);
      next.set(output, first + columns);
      end = offset + columns;
    }
  }
  for (const { name, columns } of operation.outputs) {
    require(next.get(name) === columns, 'CMP090', `${operation.name}: ${next.get(name)} of ${columns} ${name} columns`);
  }
}

/** After placing: what lives at the same time does not overlap. */
export function checkPlacement(model: TiledModel, chip: OnChip): void {
  const { logits, bounds } = chip;
  const rows = (name: string, { address, pitch }: Rows, count = model.rowsPerPass) => ({
    name,
    begin: address,
    end: address + count * pitch,
  });
  const residual = chip.groups.map(({ x }, group) => rows(`x of group ${group}`, x));
  // While one group is at attention, another may be at its gated activations.
  const attending = chip.groups.map(({ q, k, v, o }) => [rows('q', q), rows('k', k), rows('v', v), rows('o', o)]);
  const gated = chip.groups.map(({ h }) => [rows('h', h)]);
  for (const first of [attending[0], gated[0]]) {
    for (const second of chip.groups.length > 1 ? [attending[1], gated[1]] : [[]]) {
      checkDisjoint([...residual, ...(first ?? []), ...(second ?? [])]);
    }
  }
  checkDisjoint([...residual, rows('logits', logits, 2), ...(bounds ? [rows('bounds', bounds, 2)] : [])]);
  const { stage, stageBytes, rowBytes, layerBytes, tilePositions } = chip.kv;
  if (tilePositions === 0) return;
  checkDisjoint([
    { name: 'resident rows', begin: 0, end: model.shape.layerCount * layerBytes },
    ...chip.groups.map(({ current }) => ({
      name: 'current rows',
      begin: current,
      end: current + 2 * model.rowsPerPass * rowBytes,
    })),
    { name: 'staging slots', begin: stage, end: stage + 2 * stageBytes },
  ]);
}

/** After laying out memory: regions are sorted, aligned and apart, and the code comes behind them. */
export function checkMemoryMap(map: MemoryMap): void {
  for (const { name, address } of map.regions) {
    require(address % tileAlignment === 0, 'CMP092', `region ${name} begins at ${address}, which is not aligned`);
  }
  checkDisjoint([
    ...map.regions.map(({ name, address, bytes }) => ({ name, begin: address, end: address + bytes })),
    { name: 'code', begin: map.code, end: map.code + codeReserve },
  ]);
}

function checkDisjoint(
  ranges: readonly { readonly name: string; readonly begin: number; readonly end: number }[],
): void {
  const sorted = [...ranges].sort((a, b) => a.begin - b.begin);
  sorted.forEach(({ name, begin }, index) => {
    const before = sorted[index - 1];
    require(!before || before.end <= begin, 'CMP091', `${before?.name} and ${name} overlap at ${begin}`);
  });
}

/** After emitting: the code fits its reserve. */
export function checkCodeSize(modelName: string, codeBytes: number): void {
  require(codeBytes <=
    codeReserve, 'CMP093', `the program of ${modelName} has ${codeBytes} bytes of code, more than ${codeReserve}`);
}
