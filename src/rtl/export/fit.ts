/** Which board a hardware model is exported for, and whether it fits. */
import { type Diagnostic, LutraError } from '../../base/diagnostics.ts';
import { type Derived, estimateResources } from '../../hw/index.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { type Board, boards, type ExportTarget, exportTargets, genericBoard, knownBoards, needs } from './boards.ts';

/** What makes a unit smaller. */
const shrink: Readonly<Record<string, string>> = {
  frontEnd: 'frontEnd.cacheLines',
  dma: 'memory.portBits',
  weightBuffer: 'weightBuffer.words or matmul.columns',
  matmul: 'matmul.columns or matmul.tables',
  vector: 'vector.lanes',
  attention: 'attention.lanes',
  kvStore: 'kvStore.bytes',
  sampler: 'sampler.shortlist or sampler.candidates',
  buffers: 'vector.activationElements, vector.coefficientElements, matmul.inputElements or matmul.accumulatorElements',
  memory: 'memory.ports or memory.portBits',
};

/** Names a board: the one asked for, else the one of the hardware model. Throws LutraError RTL020 for one that is not known. */
export function chooseBoard(hw: HardwareModel, asked: string | undefined): Board {
  const name = asked ?? (hw.board.part === 'generic' ? 'generic' : hw.board.name);
  const same = (other: string) => other.toLowerCase() === name.toLowerCase();
  if (same('generic')) return genericBoard(hw);
  const board = boards.find((each) => same(each.name));
  const list = knownBoards.join(', ');
  if (!board) {
    const where = asked === undefined ? 'board.name' : '--board';
    throw new LutraError({
      code: 'RTL020',
      message: `${where}: there is no export for a board '${name}'`,
      hint: `known: ${list}; --board generic for synthesis alone`,
      ...(asked === undefined ? {} : { exit: 'usage' }),
    });
  }
  if (asked === undefined && hw.board.part.toLowerCase() !== board.part.toLowerCase()) {
    throw new LutraError({
      code: 'RTL021',
      message: `board.part: a ${board.name} has ${board.part}, the hardware model says ${hw.board.part}`,
      hint: `--board ${board.name} exports for the board whatever the hardware model says`,
    });
  }
  return board;
}

/** The hardware model as it is on a board: with the board's own name and part, so with a digest of its own. */
export function modelOnBoard(hw: HardwareModel, board: Board): HardwareModel {
  if (board.family === 'generic' || hw.board.part === board.part) return hw;
  const { capacity, name, part } = board;
  const of = (key: string) => capacity[key] ?? 0;
  // Of another vendor's device a hardware model has no words; its nearest parts stand for them.
  const resources =
    board.family === 'arria10'
      ? { lut: of('alm'), ff: of('register'), bram36: Math.floor(of('m20k') / 2), uram288: 0, dsp: of('dsp') }
      : { lut: of('lut'), ff: of('ff'), bram36: of('bram36'), uram288: of('uram288'), dsp: of('dsp') };
  return { ...hw, board: { name, part, resources } };
}

/** Which exports are made. Throws LutraError RTL022 for one that the board does not have. */
export function chooseTargets(board: Board, asked: ExportTarget | 'all'): ExportTarget[] {
  if (asked === 'all') return exportTargets.filter((target) => board.targets.includes(target));
  if (board.targets.includes(asked)) return [asked];
  throw new LutraError({
    code: 'RTL022',
    message: `--export ${asked}: there is none for ${board.name}`,
    hint: `${board.name} has ${board.targets.join(', ')}`,
    exit: 'usage',
  });
}

/** A whole number with thousands separators. */
export const grouped = (value: number) => value.toString().replace(/\B(?=(\d{3})+$)/g, ',');

/** Everything in which a machine is too large for a board, by the estimate: which resource, by how much, what to shrink. */
export function misfits(hw: HardwareModel, derived: Derived, board: Board): Diagnostic[] {
  const { units, total } = estimateResources(hw, derived);
  const need = needs(board, total);
  const found: Diagnostic[] = Object.entries(board.capacity)
    .filter(([name, capacity]) => (need[name] as number) > capacity)
    .map(([name, capacity]) => {
      const count = need[name] as number;
      const over = count - capacity;
      const share = capacity === 0 ? '' : ` (${Math.ceil((100 * over) / capacity)} %)`;
      const each = units
        .map(({ unit, resources }) => ({ unit, count: needs(board, resources)[name] as number }))
        .sort((a, b) => b.count - a.count);
      const largest = each.find(({ unit }) => shrink[unit] !== undefined) as { unit: string; count: number };
      return {
        code: 'RTL023',
        message: `the machine takes about ${grouped(count)} ${name} and the ${board.name} has ${grouped(capacity)}: ${grouped(over)} too many${share}`,
        hint: `${grouped(largest.count)} are in ${largest.unit}: less ${shrink[largest.unit]}`,
      };
    });
  const { ports, capacityBytes } = hw.memory;
  if (board.memoryPorts && ports > board.memoryPorts.length) {
    found.push({
      code: 'RTL024',
      message: `memory.ports: ${ports}, and the ${board.name} has ${board.memoryPorts.length} ports to memory`,
      hint: `--set memory.ports=${board.memoryPorts.length}`,
    });
  }
  if (capacityBytes > board.memoryBytes) {
    found.push({
      code: 'RTL025',
      message: `memory.capacityBytes: ${grouped(capacityBytes)}, and the ${board.name} has ${grouped(board.memoryBytes)} bytes`,
      hint: `--set memory.capacityBytes=${board.memoryBytes}`,
    });
  }
  return found;
}
