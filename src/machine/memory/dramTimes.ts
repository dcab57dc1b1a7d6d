import type { HardwareModel } from '../../hw/schema.ts';
import { timeBase } from './time.ts';

/** The timing of a DRAM channel in ticks; names as in `memory.timing`. */
export interface DramTimes {
  readonly ticksPerCycle: number;
  /** Data of one DRAM burst. */
  readonly burst: number;
  readonly tRcd: number;
  readonly tRp: number;
  readonly tCl: number;
  readonly tCwl: number;
  readonly tRas: number;
  readonly tRc: number;
  readonly tRtp: number;
  readonly tWr: number;
  readonly tWtr: number;
  readonly tWtrL: number;
  readonly tRtw: number;
  readonly tRrd: number;
  readonly tRrdL: number;
  readonly tFaw: number;
  readonly tCcdL: number;
  readonly tRfc: number;
  readonly tRefi: number;
  /** How long before the bus is free the controller decides what comes next. */
  readonly lookahead: number;
}

/** Throws LutraError MEM001 (see `timeBase`). */
export function dramTimes(hw: HardwareModel): DramTimes {
  const { memory } = hw;
  const { ticksPerCycle, ticksPerTransfer, ticksOf } = timeBase(hw);
  const t = memory.timing;
  const [tRcd, tRp, tCl, tCwl] = [ticksOf(t.tRcd), ticksOf(t.tRp), ticksOf(t.tCl), ticksOf(t.tCwl)];
  return {
    ticksPerCycle,
    burst: ticksPerTransfer * memory.transfersPerBurst,
    tRcd,
    tRp,
    tCl,
    tCwl,
    tRas: ticksOf(t.tRas),
    tRc: ticksOf(t.tRc),
    tRtp: ticksOf(t.tRtp),
    tWr: ticksOf(t.tWr),
    tWtr: ticksOf(t.tWtr),
    tWtrL: ticksOf(t.tWtrL),
    tRtw: ticksOf(t.tRtw),
    tRrd: ticksOf(t.tRrd),
    tRrdL: ticksOf(t.tRrdL),
    tFaw: ticksOf(t.tFaw),
    tCcdL: ticksOf(t.tCcdL),
    tRfc: ticksOf(t.tRfc),
    tRefi: ticksOf(t.tRefi),
    lookahead: ticksOf(memory.lookaheadNanoseconds),
  };
}
