/** What the instruction set shares with the layers below it: the size of an instruction, and names of operands. */
export const bytesPerInstruction = 32;

export const alphabets = ['ternary', 'binary'] as const;
export type Alphabet = (typeof alphabets)[number];

export const gateFunctions = ['relu2', 'silu'] as const;
export type GateFunction = (typeof gateFunctions)[number];
