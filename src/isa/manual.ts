/** The reference manual of the instruction set, rendered from the table. */
import { assemblerChapter } from './assembler/chapter.ts';
import { spaceUnits } from './footprint.ts';
import { mayBeRegister } from './instruction.ts';
import { ruleSentences } from './rules.ts';
import { type InstructionSpec, instructionTable, issueUnits, type Operand, spaces } from './table.ts';

/** Markdown of `docs/isa.md`. */
export function renderIsaManual(): string {
  const chapters = [introduction(), encodingChapter(), spacesChapter(), rulesChapter(), overview()];
  for (const unit of issueUnits) {
    const specs = instructionTable.filter((spec) => spec.unit === unit);
    chapters.push([`## ${unit}`, ...specs.map(instructionSection)].join('\n\n'));
  }
  chapters.push(assemblerChapter);
  return `${chapters.join('\n\n')}\n`;
}

function introduction(): string {
  return `# Instruction set

<!-- Generated from src/isa/table.ts by: npx vitest run test/isa/manual.test.ts -u -->

The instructions of the machine, how they are encoded and how programs are written. What each one computes and how
units run side by side is in [machine.md](machine.md). Names such as \`matmul.columns\` are fields of the hardware model,
names such as \`matmulLatency\` are derived from it. N stands for \`vector.lanes\`, Q for \`matmul.columns\`, T for
\`matmul.tables\`, G for \`matmul.group\`.`;
}

function encodingChapter(): string {
  const bits = issueUnits.map((unit, bit) => `| ${bit} | \`${unit}\` |`).join('\n');
  return `## Encoding

An instruction is 32 bytes: eight little-endian 32-bit words. Word 0 is the same for all, words 1 to 7 hold operands.

\`\`\`text
word 0   31  30         24 23          16 15           8 7            0
        +---+-------------+--------------+--------------+--------------+
        | 0 |  registers  |     post     |     wait     |    opcode    |
        +---+-------------+--------------+--------------+--------------+

word w   31                                         5 4              0
        +--------------------------------------------+----------------+
        |  offset, signed                            |    register    |   if bit w−1 of registers is set
        +--------------------------------------------+----------------+
\`\`\`

- **wait**: bit i takes one count of the semaphore *unit i → this unit* before the instruction starts.
- **post**: bit i gives one count to the semaphore *this unit → unit i* when it has finished; a front-end instruction
  gives it when it executes (\`ld\` before its word is there).
- **registers**: bit w−1 says that operand word w holds a register and an offset; the value is \`R[register] + offset\`,
  computed when the instruction is issued. Only an operand that fills its word can be given so, and not the register
  that an instruction writes.

Bits that no operand claims are zero; an instruction word in which they are not is refused, as is an unknown opcode, a
choice or flag that does not exist and a register bit where no register may be.

| bit of wait and post | unit |
|---|---|
${bits}`;
}

function spacesChapter(): string {
  const meaning: Record<(typeof spaces)[number], string> = {
    ddr: 'external memory',
    weights: 'weight buffer; one word holds Q × T table indices',
    input: 'int8 activations of the matmul engine',
    acc: '32-bit sums of the matmul engine',
    act: 'activation buffer, in `vector.format`',
    coef: 'coefficient buffer, float32',
    kv: 'key/value store; elements in `kvStore.format`',
  };
  const rows = spaces.map((space) => `| \`${space}\` | ${spaceUnits[space]} | ${meaning[space]} |`).join('\n');
  return `## Address spaces

| space | addresses count | what it is |
|---|---|---|
${rows}`;
}

function rulesChapter(): string {
  return `## Rules

A program that breaks one of these is refused, before the first cycle where the value is written in the program, and
when the instruction starts where it comes from a register.

${ruleSentences.map((sentence) => `- ${sentence}`).join('\n')}

Further, every range lies within its buffer, and ranges of memory written in the program lie within one segment of its
memory map; no mask names the instruction’s own unit; every semaphore that is waited for is posted somewhere; targets
lie in the program; the last instruction is \`halt\` or \`jmp\`.`;
}

function overview(): string {
  const rows = instructionTable.map(
    (spec) => `| \`${hex(spec.opcode)}\` | [\`${spec.name}\`](#${anchor(spec)}) | ${firstSentence(spec.doc)} |`,
  );
  return `## Overview

| opcode | instruction | |
|---|---|---|
${rows.join('\n')}`;
}

/** GitHub’s anchor of an instruction’s heading. */
function anchor({ name }: InstructionSpec): string {
  return name.toLowerCase().replaceAll('.', '');
}

function firstSentence(doc: string): string {
  return /^.*?\.(?= [A-Z]|$)/s.exec(doc)?.[0] ?? doc;
}

function hex(opcode: number): string {
  return `0x${opcode.toString(16).padStart(2, '0')}`;
}

function instructionSection(spec: InstructionSpec): string {
  const parts = [`### ${spec.name}`, spec.doc];
  if (spec.operands.length > 0) {
    const rows = spec.operands.map(
      (operand) =>
        `| ${operand.word} | ${bitRange(operand)} | \`${operand.name}\` | ${kindText(operand)} | ${mayBeRegister(operand) ? 'yes' : ''} | ${operand.doc} |`,
    );
    parts.push(`| word | bits | operand | kind | register | |\n|---|---|---|---|---|---|\n${rows.join('\n')}`);
  }
  parts.push(`Opcode \`${hex(spec.opcode)}\`. Cycles: ${spec.cycles}.`);
  return parts.join('\n\n');
}

function bitRange({ low, bits }: Operand): string {
  return bits === 1 ? String(low) : `${low + bits - 1}:${low}`;
}

function kindText({ kind }: Operand): string {
  switch (kind.type) {
    case 'register':
      return 'register written';
    case 'integer':
      return 'signed integer';
    case 'count':
      return 'unsigned';
    case 'float':
      return 'float32';
    case 'label':
      return 'instruction';
    case 'address':
      return kind.space === 'named' ? 'address in `space`' : `address in \`${kind.space}\``;
    case 'choice':
      return kind.names.map((name, index) => `${index} \`${name}\``).join(', ');
    case 'flags':
      return kind.names.map((name, bit) => `bit ${bit} \`${name}\``).join(', ');
  }
}
