/** Names that are operands of instructions and arguments of the arithmetic alike. */
export const alphabets = ['ternary', 'binary'] as const;
export type Alphabet = (typeof alphabets)[number];

export const gateFunctions = ['relu2', 'silu'] as const;
export type GateFunction = (typeof gateFunctions)[number];
