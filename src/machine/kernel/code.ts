import { LutraError } from '../../base/diagnostics.ts';
import { decode, type Instruction, wordsPerInstruction } from '../../isa/instruction.ts';
import { bytesPerInstruction, instructionsByOpcode } from '../../isa/table.ts';
import { type Step, step } from './step.ts';
import type { MemoryStore } from './store.ts';

/** Instructions as they come from memory, whatever lies there. */
export class FetchedCode {
  /** By number; those that have come and are legal. */
  readonly steps: Step[] = [];
  private readonly store: MemoryStore;
  private readonly codeAddress: number;
  /** What was found in the place of each that has come. */
  private readonly seen = new Map<number, Uint32Array>();

  constructor(store: MemoryStore, codeAddress: number) {
    this.store = store;
    this.codeAddress = codeAddress;
  }

  /**
   * Instruction `pc` comes from memory. Throws LutraError MCH011 if it is another one than the last time: what a machine
   * knows of an instruction it knows for good.
   */
  fetch(pc: number): void {
    const words = this.wordsOf(pc);
    const before = this.seen.get(pc);
    if (before) {
      if (words.every((word, index) => word === before[index])) return;
      throw new LutraError({
        code: 'MCH011',
        message: `instruction ${pc} has changed during the run`,
        hint: 'the simulated machine runs programs that leave their own code alone',
      });
    }
    this.seen.set(pc, words);
    const instruction = decoded(words);
    if (!(instruction instanceof LutraError)) this.steps[pc] = step(instruction);
  }

  /**
   * The address of `pc`, where something lies with an opcode that no instruction has. Throws LutraError ISA012 to ISA014
   * where the opcode is one, and the rest is not as an assembler writes it: the hardware does not look at that.
   */
  checkIllegal(pc: number): number {
    const words = this.wordsOf(pc);
    const fault = decoded(words);
    if (instructionsByOpcode.has((words[0] as number) & 0xff) && fault instanceof LutraError) throw fault;
    return this.addressOf(pc);
  }

  private addressOf(pc: number): number {
    return (this.codeAddress + pc * bytesPerInstruction) >>> 0;
  }

  /** Behind the end of memory there is nothing that anybody would ever read. */
  private wordsOf(pc: number): Uint32Array {
    const address = this.addressOf(pc);
    const words = new Uint32Array(wordsPerInstruction);
    if (address + bytesPerInstruction > this.store.capacityBytes) return words;
    const bytes = this.store.read(address, bytesPerInstruction);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return words.map((_, index) => view.getUint32(4 * index, true));
  }
}

function decoded(words: Uint32Array): Instruction | LutraError {
  try {
    return decode(words, 0);
  } catch (error) {
    if (error instanceof LutraError) return error;
    throw error;
  }
}
