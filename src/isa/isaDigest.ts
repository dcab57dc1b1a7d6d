/** What tells one instruction set from another, so that a machine can refuse a program that it would misread. */
import { canonicalJson, digestWord, sha256Hex } from '../base/digest.ts';
import { bytesPerInstruction, type InstructionSpec, instructionTable, issueUnits, spaces } from './table.ts';

/** All that decides what the words of an instruction mean; what only speaks to people (`doc`, `cycles`) is left out. */
function encodingOf({ name, opcode, unit, operands }: InstructionSpec) {
  return { name, opcode, unit, operands: operands.map(({ doc: _, ...operand }) => operand) };
}

/**
 * The digest word of an instruction set: the first four bytes of SHA-256 over the units, the spaces and of every
 * instruction opcode, name, unit and operands (names, kinds, places), the first byte lowest.
 */
export function isaDigestOf(table: readonly InstructionSpec[]): number {
  const instructions = table.map(encodingOf).sort((a, b) => a.opcode - b.opcode);
  return digestWord(sha256Hex(canonicalJson({ bytesPerInstruction, issueUnits, spaces, instructions })), 0);
}

/** The digest word of this instruction set. */
export const isaDigest: number = isaDigestOf(instructionTable);
