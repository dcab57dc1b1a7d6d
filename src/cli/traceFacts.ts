import type { HardwareModel } from '../hw/index.ts';
import { type Instruction, issueUnits, listedInstructions, type ProgramImage } from '../isa/index.ts';
import { sharedPorts } from '../machine/kernel/ports.ts';
import type { Tokenizer } from '../model/index.ts';
import type { InstructionFacts, TraceFacts } from '../trace/facts.ts';

/** What traces of a program say beside times. */
export function traceFacts(image: ProgramImage, hw: HardwareModel, tokenizer: Tokenizer | undefined): TraceFacts {
  const { metadata, segments } = image;
  return {
    machine: hw.name,
    model: metadata.modelName,
    clockHz: hw.clockHz,
    units: issueUnits,
    ports: sharedPorts,
    operations: metadata.operations,
    instructions: instructionFacts(image),
    segments: segments.map(({ name, address, bytes }) => ({ name, address, bytes })),
    ...(tokenizer === undefined ? {} : { tokenText: (token: number) => tokenizer.decode([token]) }),
  };
}

function instructionFacts(image: ProgramImage): InstructionFacts[] {
  const listed = listedInstructions(image);
  return image.code.map(({ spec, wait, post }: Instruction, pc) => ({
    name: spec.name,
    text: listed[pc]?.text ?? spec.name,
    line: listed[pc]?.line ?? 0,
    wait,
    post,
    addressAt: spec.operands.findIndex(({ kind }) => kind.type === 'address' && kind.space === 'ddr'),
  }));
}
