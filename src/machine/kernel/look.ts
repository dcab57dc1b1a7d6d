/** What a machine shows to somebody who looks on between two cycles. Nothing here can change it. */
import type { Footprint } from '../../isa/footprint.ts';
import type { IssueUnit } from '../../isa/table.ts';
import type { MarkContext } from '../../trace/events.ts';
import type { Command } from './command.ts';

/** Where a unit’s cycles go at the moment. */
export interface CycleLook {
  readonly class: string;
  /** The first cycle of it. */
  readonly since: number;
}

/** What a unit waits for. */
interface WaitLook extends CycleLook {
  /** What it waits for, in words, and the unit that can end that, or −1; undefined if it runs or has nothing to do. */
  readonly wait: { readonly text: string; readonly on: number } | undefined;
}

export interface UnitLook extends WaitLook {
  readonly name: IssueUnit;
  /** The running command. */
  readonly active: { readonly command: Command; readonly started: number; readonly finish: number } | undefined;
  /** Commands in the queue, the one that comes next first. */
  readonly queue: readonly Command[];
  readonly depth: number;
  /** Commands that have begun. */
  readonly begun: number;
}

/** Where the front end is in the program. */
export interface PlaceLook {
  readonly pc: number;
  readonly phase: 'fetch' | 'miss' | 'execute' | 'load' | 'halted';
  /** With `fetch` and `execute`: from when on. */
  readonly at: number;
}

export interface FrontEndLook extends WaitLook, PlaceLook {
  readonly registers: Readonly<Int32Array>;
  readonly marks: MarkContext;
  /** Instructions executed. */
  readonly executed: number;
  /** Lines of the instruction cache, by place; −1: empty. */
  readonly cacheLines: Readonly<Int32Array>;
}

export interface MachineLook {
  readonly frontEnd: FrontEndLook;
  readonly units: readonly UnitLook[];
  /** Count of the semaphore that a unit (an index of `issueUnits`) posts to another. */
  readonly semaphore: (from: number, to: number) => number;
  /** The unit that holds a port of `sharedPorts`, or −1. */
  readonly portHolder: (port: number) => number;
  /** Picks and groups that wait for the front end, the oldest first. */
  readonly mailbox: readonly number[];
}

/** Told of a command that begins, before it changes any value, and of what it touches. */
export type BeginObserver = (unit: number, command: Command, footprints: readonly Footprint[], cycle: number) => void;
