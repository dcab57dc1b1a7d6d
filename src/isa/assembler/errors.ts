import { type Diagnostic, LutraError } from '../../base/diagnostics.ts';

/** A place in the source; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export function asmError(code: string, place: Position, message: string, hint?: string): LutraError {
  return new LutraError({ code, place: { ...place }, message, ...(hint === undefined ? {} : { hint }) });
}

/** More faults than this are not listed. */
const faultLimit = 100;

/** Collects the faults of one pass over a source, to be thrown together. */
export class Faults {
  private readonly list: Diagnostic[] = [];
  private more = 0;

  /** Runs `work`; a LutraError is kept and undefined returned. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LutraError)) throw error;
      this.add(...error.diagnostics);
      return undefined;
    }
  }

  get any(): boolean {
    return this.list.length > 0;
  }

  add(...faults: readonly Diagnostic[]): void {
    for (const fault of faults) {
      if (this.list.length < faultLimit) this.list.push(fault);
      else this.more += 1;
    }
  }

  /** Throws what was collected, in the order of the source. */
  throwIfAny(): void {
    if (this.list.length === 0) return;
    const order = (fault: Diagnostic) => (fault.place?.line ?? 0) * 100_000 + (fault.place?.column ?? 0);
    const sorted = [...this.list].sort((a, b) => order(a) - order(b));
    if (this.more > 0) sorted.push({ code: 'ASM099', message: `and ${this.more} more` });
    throw new LutraError(sorted);
  }
}
