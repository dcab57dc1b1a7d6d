/** The instruction set: the table, instructions, programs as text, words and files, and what they touch. */
export { type AssembledProgram, type AssembleOptions, assemble } from './assembler/assemble.ts';
export {
  type DisassembleOptions,
  disassemble,
  formatFloat,
  formatInstruction,
  instructionPlace,
  listedInstructions,
} from './assembler/disassemble.ts';
export { hardwareConstants } from './assembler/hardwareNames.ts';
export { type Contents, pieceDigests } from './contents.ts';
export {
  type AttentionShape,
  attentionShape,
  type Footprint,
  footprintsOverlap,
  type MachineShape,
  machineShape,
  memoryFormatBytes,
  outOfBounds,
  resolvedFootprint,
  spaceSizes,
} from './footprint.ts';
export { checkImageFor, codeBytes, type ProgramImage, parseImage, programImage } from './image.ts';
export { type ImageFile, imageFile, serializeImage } from './imageFile.ts';
export type { ImageMetadata } from './imageMetadata.ts';
export {
  decode,
  decodeProgram,
  encode,
  encodeProgram,
  type Instruction,
  instruction,
  type OperandValue,
  operandIndex,
  operandValue,
  type RegisterOperand,
  type Sync,
  semaphoreMask,
  unitsOfMask,
} from './instruction.ts';
export { renderIsaManual } from './manual.ts';
export { operandFault } from './rules.ts';
export { type Segment, type SegmentKind, segmentKinds } from './segments.ts';
export { type StopCause, stopCauses, stopCode } from './stopCauses.ts';
export * from './table.ts';
export { tableFaults } from './tableCheck.ts';
export { type VerifyOptions, verifyProgram } from './verify.ts';
