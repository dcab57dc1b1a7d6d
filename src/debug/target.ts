import type { HardwareModel } from '../hw/index.ts';
import type { ProgramImage } from '../isa/index.ts';

/** What is debugged: a program, the machine that runs it and what the host asks of it. */
export interface DebugTarget {
  readonly image: ProgramImage;
  readonly hw: HardwareModel;
  /** What the host puts at the start of memory, see `commandBlock`. */
  readonly commandBlock: Uint8Array;
  /** False: time only, and all values are zero. */
  readonly values: boolean;
  /** Line of each instruction in its source; without it, that of what `lutra disasm` prints. */
  readonly sourceLines?: readonly number[] | undefined;
  /** The lines of the source, where there is one. */
  readonly sourceText?: readonly string[] | undefined;
  /** The text of tokens, where there is a tokenizer. */
  readonly decode?: ((tokens: readonly number[]) => string) | undefined;
  readonly cycleLimit?: number | undefined;
  /** Without values: see `MachineOptions`. */
  readonly assumedGroups?: number | undefined;
  /** Most bytes that earlier states may take, see `History`. */
  readonly historyBytes: number;
}
