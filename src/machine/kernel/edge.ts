/**
 * What ends a run from outside of its program: an answer of memory, a burst that leaves its window, a token that is
 * overdue, a host that has had enough. What is there in cycle e stops the machine from e + 2 on (docs/machine.md, Stops).
 */

import { pageBytes } from '../../hw/pages.ts';
import type { Footprint } from '../../isa/footprint.ts';
import { type StopCause, stopCode } from '../../isa/stopCauses.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';

/** Where bursts may go, as the registers of these names hold it; whole pages of 4096 bytes. */
export interface Windows {
  /** Its page is the last one that a burst may touch. */
  readonly memoryLast: number;
  /** The first and the last page that may be written. */
  readonly writeFirst: number;
  readonly writeLast: number;
}

export interface EdgeOptions {
  readonly windows?: Windows;
  /** Units of 1024 cycles that a token may take; 0: any number. */
  readonly watchdog?: number;
  /**
   * What memory answers: RRESP of a beat, counted from 0, or BRESP (beat 0), of burst number `burst` of `port`, counted
   * from 0 as they are issued. 0: OKAY. The same in event-driven and in dense runs if the function is pure.
   */
  readonly response?: (port: number, burst: number, beat: number) => number;
  /** A cycle in which a host’s stop takes effect. */
  readonly stopAt?: number;
}

/** Why a run was stopped. */
export interface Stop {
  readonly cause: StopCause;
  /** Whose burst or instruction it was, an index of `issueUnits`; 0 where it was nobody’s. */
  readonly unit: number;
  readonly port: number;
  /** RRESP or BRESP. */
  readonly response: number;
  /** Of the burst that left its window, or of the illegal instruction; else 0. */
  readonly address: number;
  /** The cycle e. */
  readonly cycle: number;
}

/** Cycles from a cause to the stop. */
const stopDelay = 2;
export const watchdogUnitCycles = 1024;

const nowhere = { unit: 0, port: 0, response: 0, address: 0 } as const;

/** What a memory port finds comes before the others; of one port in this order. */
const atPorts: readonly StopCause[] = ['readError', 'writeError', 'readWindow', 'writeWindow'];

/** Collects causes, of which some are known before their time; the earliest counts. */
export class Edge {
  readonly response: EdgeOptions['response'];
  private readonly windows: Windows | undefined;
  private readonly patience: number;
  private first: Stop | undefined;
  /** When the watchdog bites, if no token comes. */
  private due: number;

  constructor({ windows, watchdog = 0, response, stopAt }: EdgeOptions) {
    this.response = response;
    this.windows = windows;
    this.patience = watchdog === 0 ? Number.POSITIVE_INFINITY : watchdog * watchdogUnitCycles;
    this.due = this.patience - 1;
    if (stopAt !== undefined) this.hostStops(stopAt);
  }

  /** A host’s stop takes effect in `cycle`. */
  hostStops(cycle: number): void {
    this.note({ ...nowhere, cause: 'softReset', cycle });
  }

  save(): Saved {
    return saveFields(this, ['first', 'due']);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  /** Whether bursts are checked against windows. */
  get guards(): boolean {
    return this.windows !== undefined;
  }

  /** The first cycle in which the machine is stopped, as far as that is known; Infinity: nothing stops it. */
  get stopCycle(): number {
    return Math.min(this.first?.cycle ?? Number.POSITIVE_INFINITY, this.due) + stopDelay;
  }

  /** What stops the machine in `stopCycle`, which is not Infinity. */
  get stop(): Stop {
    const bite: Stop = { ...nowhere, cause: 'watchdog', cycle: this.due };
    return this.first && comesBefore(this.first, bite) ? this.first : bite;
  }

  /** There is a cause, in a cycle that may lie ahead. */
  note(stop: Stop): void {
    if (!this.first || comesBefore(stop, this.first)) this.first = stop;
  }

  /** A token is given to the host in `cycle`; not too late for the watchdog if it would bite in that cycle. */
  token(cycle: number): void {
    if (cycle <= this.due) this.due = cycle + this.patience;
  }

  /** Whether a burst that begins at `address` leaves its window, of which note is taken then. */
  refuses(port: number, unit: number, write: boolean, address: number, cycle: number): boolean {
    if (!this.windows || this.allows(write, address, address)) return false;
    this.note({ cause: write ? 'writeWindow' : 'readWindow', unit, port, response: 0, address, cycle });
    return true;
  }

  /** Whether an instruction that touches this would write outside of the window; it never comes to its end then. */
  escapes(footprints: readonly Footprint[]): boolean {
    return footprints.some(
      ({ space, write, begin, end }) => space === 'ddr' && write && end > begin && !this.allows(true, begin, end - 1),
    );
  }

  private allows(write: boolean, first: number, last: number): boolean {
    if (!this.windows) return true;
    const { memoryLast, writeFirst, writeLast } = this.windows;
    if (page(last) > page(memoryLast)) return false;
    return !write || (page(first) >= page(writeFirst) && page(last) <= page(writeLast));
  }
}

function page(address: number): number {
  return Math.floor(address / pageBytes);
}

/** Of causes of one cycle one is reported: of the lowest port, or the one with the lowest number. */
function comesBefore(a: Stop, b: Stop): boolean {
  if (a.cycle !== b.cycle) return a.cycle < b.cycle;
  const [first, second] = [a, b].map(({ cause }) => atPorts.includes(cause));
  if (first !== second) return first === true;
  return first && a.port !== b.port ? a.port < b.port : stopCode(a.cause) < stopCode(b.cause);
}
