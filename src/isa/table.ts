/**
 * The instruction set, written once.
 *
 * Encoder, decoder, assembler, disassembler, `docs/isa.md`, the machine's dispatch and the Verilog decoder are all
 * derived from this table. An instruction is 32 bytes, eight little-endian 32-bit words:
 *
 *     word 0   [7:0] opcode  [15:8] wait mask  [23:16] post mask  [30:24] register mask  [31] zero
 *     word 1…7 operands
 *
 * Bit `i` of the wait mask makes the instruction take one count of the semaphore `unit i → this unit` before it starts;
 * bit `i` of the post mask gives one count to `this unit → unit i` when it finishes. Bit `w-1` of the register mask
 * says that operand word `w` is not a value but a register and an offset: `R[word[4:0]] + signed word[31:5]`.
 * Only an operand that fills its word can be one. Bits that no operand claims are zero, and checked.
 */
import { alphabets, gateFunctions } from '../hw/operands.ts';

/** Units with a command queue; the position is the unit's semaphore bit. */
export const issueUnits = [
  'frontEnd',
  'dma',
  'weightBuffer',
  'matmul',
  'vector',
  'attention',
  'kvStore',
  'sampler',
] as const;
export type IssueUnit = (typeof issueUnits)[number];

/** Units without instructions of their own. */
export const passiveUnits = ['memory', 'counters'] as const;
export type PassiveUnit = (typeof passiveUnits)[number];
export type Unit = IssueUnit | PassiveUnit;

/**
 * Address spaces. `ddr` and `kv` count bytes, `weights` counts weight-buffer words, the others count elements
 * (`input` int8, `acc` int32, `act` in the vector unit's float format, `coef` float32).
 */
export const spaces = ['ddr', 'weights', 'input', 'acc', 'act', 'coef', 'kv'] as const;
export type Space = (typeof spaces)[number];

export { bytesPerInstruction } from '../hw/operands.ts';
export const registerCount = 32;

/** How a transfer reads or writes elements in memory. */
export const memoryFormats = ['float32', 'bfloat16', 'float16', 'int32', 'int8'] as const;
export type MemoryFormat = (typeof memoryFormats)[number];
export const markKinds = ['pass', 'layer', 'operation', 'token'] as const;

export type OperandKind =
  /** Index of a front-end register that is written (or counted down). */
  | { readonly type: 'register' }
  /** Signed 32-bit integer. */
  | { readonly type: 'integer' }
  /** Unsigned quantity. */
  | { readonly type: 'count' }
  /** Bit pattern of a float32. */
  | { readonly type: 'float' }
  /** Address in a space, in that space's unit; `space: 'named'` means the instruction's own `space` operand names it. */
  | { readonly type: 'address'; readonly space: Space | 'named' }
  /** Index of an instruction. */
  | { readonly type: 'label' }
  /** One of a list of names; encoded as the position in the list. */
  | { readonly type: 'choice'; readonly names: readonly string[] }
  /** A set of names; encoded as one bit each. */
  | { readonly type: 'flags'; readonly names: readonly string[] };

export interface Operand {
  readonly name: string;
  readonly kind: OperandKind;
  /** 1 to 7. */
  readonly word: number;
  /** Lowest bit in the word. */
  readonly low: number;
  /** Width in bits; 32 fills the word, and only then a register may stand for the value. */
  readonly bits: number;
  readonly doc: string;
}

export interface InstructionSpec {
  /** `unit.verb` as written in assembly; front-end instructions are the bare verb. */
  readonly name: string;
  readonly opcode: number;
  readonly unit: IssueUnit;
  readonly operands: readonly Operand[];
  /** One or two sentences: what it does. */
  readonly doc: string;
  /** How long it takes, in words and derived quantities. */
  readonly cycles: string;
  /** True where an operand is data, so that its value must not change the time. */
  readonly dataAddress?: boolean;
}

type Field = readonly [name: string, kind: OperandKind, doc: string, low?: number, bits?: number];

/** Lays fields out: a field without position fills the next word; one with position shares the word it names first. */
function operands(...words: readonly (Field | readonly Field[])[]): Operand[] {
  return words.flatMap((entry, index) => {
    const fields = (Array.isArray(entry[0]) ? entry : [entry]) as readonly Field[];
    return fields.map(([name, kind, doc, low = 0, bits = 32]) => ({ name, kind, word: index + 1, low, bits, doc }));
  });
}

const register = { type: 'register' } as const;
const integer = { type: 'integer' } as const;
const count = { type: 'count' } as const;
const float = { type: 'float' } as const;
const label = { type: 'label' } as const;
const at = (space: Space | 'named') => ({ type: 'address', space }) as const;
const choice = (names: readonly string[]) => ({ type: 'choice', names }) as const;
const flags = (...names: readonly string[]) => ({ type: 'flags', names }) as const;

const destination = ['rd', register, 'register written'] as const;
const left = ['a', integer, 'left operand'] as const;
const right = ['b', integer, 'right operand'] as const;
const target = ['target', label, 'where to go'] as const;
const rows = ['rows', count, 'number of rows'] as const;
const elements = ['elements', count, 'elements per row'] as const;
/** Two row pitches in one word. */
const pitches = [
  ['dstPitch', count, 'elements from one destination row to the next', 0, 16],
  ['srcPitch', count, 'elements from one source row to the next', 16, 16],
] as const;

const issueCycles = 'frontEnd.cyclesPerInstruction';

function arithmetic(name: string, opcode: number, doc: string, cycles = issueCycles): InstructionSpec {
  return { name, opcode, unit: 'frontEnd', operands: operands(destination, left, right), doc, cycles };
}

function branch(name: string, opcode: number, condition: string): InstructionSpec {
  return {
    name,
    opcode,
    unit: 'frontEnd',
    operands: operands(left, right, target),
    doc: `Goes to \`target\` if ${condition}.`,
    cycles: `${issueCycles}, + frontEnd.branchTakenCycles if taken`,
  };
}

function transfer(verb: string, opcode: number, doc: string, extra: { dataAddress?: boolean } = {}): InstructionSpec {
  const store = verb === 'store';
  return {
    name: `dma.${verb}`,
    opcode,
    unit: 'dma',
    operands: operands(
      [
        ['space', choice(spaces), `on-chip buffer ${store ? 'read' : 'written'}: act, coef, input or acc`, 0, 8],
        ['format', choice(memoryFormats), 'format in memory; the buffer’s own format on chip', 8, 8],
      ],
      ['local', at('named'), 'address in that buffer'],
      ['remote', at('ddr'), 'address in memory'],
      elements,
      rows,
      ['remoteStride', integer, 'bytes from one row to the next in memory'],
      ['localPitch', count, 'elements from one row to the next in the buffer'],
    ),
    doc,
    cycles: store
      ? 'from start until memory has taken the last burst, + 1'
      : 'from start until the last beat has arrived, + 1',
    ...extra,
  };
}

function sync(unit: IssueUnit, opcode: number): InstructionSpec {
  return {
    name: unit === 'frontEnd' ? 'sync' : `${unit}.sync`,
    opcode,
    unit,
    operands: [],
    doc: 'Nothing but its semaphores.',
    cycles: unit === 'frontEnd' ? issueCycles : '1',
  };
}

function quantise(verb: string, opcode: number, wide: boolean): InstructionSpec {
  return {
    name: `vector.${verb}`,
    opcode,
    unit: 'vector',
    operands: operands(
      ['dst', at('input'), `first ${wide ? 'pair of rows written: high limbs, then low limbs' : 'row written'}`],
      ['src', at('act'), 'first row read'],
      ['gain', at('coef'), 'gains, one per element'],
      rows,
      elements,
      pitches,
      ['epsilon', float, 'added to the mean square; negative: no normalisation and no gain, only quantisation'],
    ),
    doc: `RMS norm, gain and absmax quantisation to ${wide ? 'two int8 limbs (16 bits)' : 'int8'}, one scale per row. Elements from \`elements\` up to \`dstPitch\` become 0. The row scales stay for the dequantisations that follow.`,
    cycles: `rows × (⌈elements/N⌉ + reduceLatency + scalarLatency + ${wide ? '2 × ' : ''}⌈dstPitch/N⌉) + inverseLatency + quantiseLatency`,
  };
}

function elementwise(verb: string, opcode: number, doc: string): InstructionSpec {
  return {
    name: `vector.${verb}`,
    opcode,
    unit: 'vector',
    operands: operands(
      ['dst', at('act'), 'first row written'],
      ['a', at('act'), 'first row of the left operand'],
      ['b', at('act'), 'first row of the right operand'],
      rows,
      elements,
      ['pitch', count, 'elements from one row to the next, in all three'],
    ),
    doc,
    cycles: 'rows × 2 × ⌈elements/N⌉ + elementwiseLatency (the two operands share a read port)',
  };
}

export const instructionTable: readonly InstructionSpec[] = [
  {
    name: 'halt',
    opcode: 0x01,
    unit: 'frontEnd',
    operands: [],
    doc: 'Waits until every unit is idle and every queue is empty, then stops the machine.',
    cycles: `${issueCycles}; executes after the cycle in which the last unit has finished`,
  },
  {
    name: 'li',
    opcode: 0x02,
    unit: 'frontEnd',
    operands: operands(destination, ['value', integer, 'value, or register and offset']),
    doc: 'rd ← value.',
    cycles: issueCycles,
  },
  arithmetic('add', 0x03, 'rd ← a + b, modulo 2³².'),
  arithmetic('sub', 0x04, 'rd ← a − b, modulo 2³².'),
  arithmetic('mul', 0x05, 'rd ← a × b, modulo 2³².', `${issueCycles} + frontEnd.multiplyCycles`),
  arithmetic('min', 0x06, 'rd ← the smaller of a and b (signed).'),
  arithmetic('max', 0x07, 'rd ← the larger of a and b (signed).'),
  arithmetic('and', 0x08, 'rd ← a and b, bit by bit.'),
  arithmetic('or', 0x09, 'rd ← a or b, bit by bit.'),
  arithmetic('shl', 0x0a, 'rd ← a shifted left by b[4:0].'),
  arithmetic('shr', 0x0b, 'rd ← a shifted right by b[4:0], zeros in.'),
  {
    name: 'ld',
    opcode: 0x10,
    unit: 'frontEnd',
    operands: operands(destination, ['address', at('ddr'), 'byte address, a multiple of 4']),
    doc: 'rd ← the 32-bit word in memory.',
    cycles: `${issueCycles}, + from the request to the cycle after the word’s beat`,
  },
  {
    name: 'jmp',
    opcode: 0x11,
    unit: 'frontEnd',
    operands: operands(target),
    doc: 'Goes to `target`.',
    cycles: `${issueCycles} + frontEnd.branchTakenCycles`,
  },
  branch('beq', 0x12, 'a = b'),
  branch('bne', 0x13, 'a ≠ b'),
  branch('blt', 0x14, 'a < b (signed)'),
  branch('bge', 0x15, 'a ≥ b (signed)'),
  {
    name: 'loop',
    opcode: 0x16,
    unit: 'frontEnd',
    operands: operands(['rd', register, 'counter'], target),
    doc: 'rd ← rd − 1, modulo 2³²; goes to `target` unless rd is now 0.',
    cycles: `${issueCycles}, + frontEnd.branchTakenCycles if taken`,
  },
  {
    name: 'recv',
    opcode: 0x18,
    unit: 'frontEnd',
    operands: operands(destination),
    doc: 'Waits for what the sampler next puts into the mailbox; rd ← the token id of a pick, or the number of a group.',
    cycles: `${issueCycles}; executes after the cycle in which the pick or \`sampler.next\` has finished`,
  },
  {
    name: 'emit',
    opcode: 0x19,
    unit: 'frontEnd',
    operands: operands(['token', integer, 'token id']),
    doc: 'Gives a token to the host.',
    cycles: issueCycles,
  },
  {
    name: 'mark',
    opcode: 0x1a,
    unit: 'frontEnd',
    operands: operands(['kind', choice(markKinds), 'what begins', 0, 8], ['value', integer, 'its number']),
    doc: 'Notes in the trace what the instructions that follow belong to. No other effect.',
    cycles: issueCycles,
  },
  sync('frontEnd', 0x1b),

  transfer('load', 0x20, 'Memory to an on-chip buffer, row by row.'),
  transfer(
    'gather',
    0x21,
    'As `dma.load`, but the address is data: memory takes the time of its worst case and leaves its rows closed, so that time does not depend on it.',
    { dataAddress: true },
  ),
  transfer('store', 0x22, 'An on-chip buffer to memory, row by row.'),
  sync('dma', 0x2f),

  {
    name: 'weightBuffer.load',
    opcode: 0x30,
    unit: 'weightBuffer',
    operands: operands(
      ['dst', at('weights'), 'first word written'],
      ['src', at('ddr'), 'first byte of the packed tile'],
      ['words', count, 'words; in memory `weightSlices` slices of all of them, each filled up to whole beats'],
      ['alphabet', choice(alphabets), 'how the words are packed', 0, 8],
    ),
    doc: 'Streams a packed weight tile from memory into the buffer.',
    cycles: 'from start until the last beat has arrived, + `loadLatency`',
  },
  sync('weightBuffer', 0x3f),

  {
    name: 'matmul.run',
    opcode: 0x40,
    unit: 'matmul',
    operands: operands(
      ['input', at('input'), 'first row of activations'],
      ['weights', at('weights'), 'first word of the tile; order block, plane, step'],
      ['output', at('acc'), 'first sum written; row pitch `sumPitch`: steps × Q where `rowsPerStep` is 1'],
      rows,
      [
        ['blocks', count, 'blocks of T × G inputs', 0, 16],
        ['steps', count, 'steps of Q columns', 16, 16],
      ],
      [
        ['alphabet', choice(alphabets), 'ternary digits, or binary planes', 0, 8],
        ['planes', count, 'planes per weight: 1 for ternary, the bit count for binary', 8, 8],
        ['options', flags('accumulate'), 'accumulate: add to the sums already there', 16, 8],
      ],
      ['inputPitch', count, 'elements from one input row to the next'],
    ),
    doc: 'Rows × tile by table lookup, to int32 sums. Binary planes stand for odd integers: Σₚ 2ᵖ·(±1).',
    cycles:
      'load + build + (⌈rows/`rowsPerStep`⌉ × blocks − 1) × max(planes × steps, load, build) + planes × steps + matmulLatency, where load is `inputLoadCycles` × min(rows, `rowsPerStep`) and build `buildCycles` of the alphabet',
  },
  sync('matmul', 0x4f),

  quantise('quantise', 0x50, false),
  quantise('quantiseWide', 0x51, true),
  {
    name: 'vector.dequantise',
    opcode: 0x52,
    unit: 'vector',
    operands: operands(
      ['dst', at('act'), 'first row written'],
      ['src', at('acc'), 'first row of sums'],
      ['scale', at('coef'), 'weight scale; with `columns` one per element'],
      rows,
      elements,
      pitches,
      [
        'options',
        flags('columns', 'wide', 'accumulate'),
        'columns: one scale per column; wide: combine the limb rows 2r and 2r+1; accumulate: add to dst',
        0,
        8,
      ],
    ),
    doc: 'Sum × row scale × weight scale.',
    cycles: 'rows × ⌈elements/N⌉ (× 2 if wide) + dequantiseLatency',
  },
  {
    name: 'vector.dequantiseGate',
    opcode: 0x53,
    unit: 'vector',
    operands: operands(
      ['dst', at('act'), 'first row written'],
      ['src', at('acc'), 'first row of gate sums'],
      ['scale', at('coef'), 'gate scale, then up scale'],
      rows,
      elements,
      pitches,
      [
        ['function', choice(gateFunctions), 'relu2: max(x,0)²; silu: x/(1+e⁻ˣ)', 0, 8],
        ['upOffset', count, 'elements from a gate sum to its up sum', 8, 24],
      ],
    ),
    doc: 'f(gate) × up, both dequantised.',
    cycles: 'rows × 2 × ⌈elements/N⌉ + gateLatency (gate and up share a read port)',
  },
  {
    name: 'vector.dequantiseRope',
    opcode: 0x54,
    unit: 'vector',
    operands: operands(
      ['dst', at('act'), 'first row written'],
      ['src', at('acc'), 'first row of sums'],
      ['scale', at('coef'), 'weight scale'],
      rows,
      ['elements', count, 'elements per row, a multiple of `headDimension`'],
      pitches,
      [
        ['headDimension', count, 'elements per head', 0, 10],
        ['table', at('coef'), 'cosines, then sines of row 0’s position; row pitch headDimension', 10, 22],
      ],
    ),
    doc: 'Dequantises and rotates by position (rotate-half pairs: i and i + headDimension/2).',
    cycles: 'rows × 2 × ⌈elements/N⌉ + ropeLatency',
  },
  elementwise('add', 0x55, 'dst ← a + b.'),
  elementwise('multiply', 0x56, 'dst ← a × b.'),
  {
    name: 'vector.norm',
    opcode: 0x57,
    unit: 'vector',
    operands: operands(
      ['dst', at('act'), 'first row written'],
      ['src', at('act'), 'first row read'],
      ['gain', at('coef'), 'gains, one per element'],
      rows,
      elements,
      pitches,
      ['epsilon', float, 'added to the mean square'],
    ),
    doc: 'RMS norm and gain, unquantised.',
    cycles: 'rows × (2 × ⌈elements/N⌉ + reduceLatency + rootLatency) + inverseLatency + normLatency',
  },
  sync('vector', 0x5f),

  {
    name: 'attention.configure',
    opcode: 0x60,
    unit: 'attention',
    operands: operands(
      [
        ['heads', count, 'query heads', 0, 16],
        ['kvHeads', count, 'key and value heads; divides heads', 16, 16],
      ],
      ['headDimension', count, 'elements per head'],
      ['window', count, 'latest positions that each query sees, its own included; 0: all'],
      ['sink', count, 'first positions that every query sees beside its window'],
      ['scale', float, 'multiplies every score'],
      ['query', at('act'), 'first query row; row pitch heads × headDimension'],
      ['output', at('act'), 'first output row; same pitch'],
    ),
    doc: 'Sets what the `attend` instructions that follow share.',
    cycles: '1',
  },
  {
    name: 'attention.attend',
    opcode: 0x61,
    unit: 'attention',
    operands: operands(
      ['keys', at('kv'), 'key rows, one per position; row pitch kvHeads × headDimension elements'],
      ['values', at('kv'), 'value rows likewise'],
      ['firstPosition', count, 'position of the first key row'],
      ['count', count, 'key rows; at most `attention.scoreDepth`'],
      ['queryPosition', count, 'position of query row 0'],
      rows,
      [
        'options',
        flags('first', 'last'),
        'first: start the running maximum, sum and output; last: divide and write out',
      ],
    ),
    doc: 'One step of online softmax attention of all query rows and heads over a run of positions. The last row comes first, and a masked position costs nothing.',
    cycles: 'see [machine.md](machine.md#attention)',
  },
  sync('attention', 0x6f),

  {
    name: 'kvStore.append',
    opcode: 0x70,
    unit: 'kvStore',
    operands: operands(
      ['src', at('act'), 'first row of keys or values'],
      ['dst', at('kv'), 'where the first row goes; rows follow each other'],
      rows,
      elements,
      ['pitch', count, 'elements from one source row to the next'],
    ),
    doc: 'Converts rows to the store’s format and keeps them.',
    cycles: 'rows × ⌈elements/N⌉ + `vector.latency.convert`',
  },
  {
    name: 'kvStore.fill',
    opcode: 0x71,
    unit: 'kvStore',
    operands: operands(
      ['dst', at('kv'), 'first byte written'],
      ['src', at('ddr'), 'first byte read'],
      ['bytes', count, 'bytes per row'],
      rows,
      ['stride', integer, 'bytes from one row to the next in memory'],
    ),
    doc: 'Memory to the store, rows one after the other.',
    cycles: 'from start until the last beat has arrived, + `loadLatency`',
  },
  {
    name: 'kvStore.spill',
    opcode: 0x72,
    unit: 'kvStore',
    operands: operands(
      ['src', at('kv'), 'first byte read'],
      ['dst', at('ddr'), 'first byte written'],
      ['bytes', count, 'bytes per row'],
      rows,
      ['stride', integer, 'bytes from one row to the next in memory'],
    ),
    doc: 'The store to memory.',
    cycles: 'from start until memory has taken the last burst, + 1',
  },
  sync('kvStore', 0x7f),

  {
    name: 'sampler.begin',
    opcode: 0x80,
    unit: 'sampler',
    operands: operands(
      ['temperature', float, 'divides the logits; 0, negative or NaN: greedy'],
      ['topK', count, 'candidates drawn from, 1 to `sampler.candidates`'],
      ['seed', integer, 'seed of the generator'],
      ['step', count, 'number of the draw, so that each token has its own'],
    ),
    doc: 'Forgets all candidates and sets how the next `pick` chooses.',
    cycles: '1',
  },
  {
    name: 'sampler.scan',
    opcode: 0x81,
    unit: 'sampler',
    operands: operands(
      ['src', at('act'), 'first logit'],
      ['elements', count, 'logits'],
      ['firstToken', count, 'token id of the first logit'],
    ),
    doc: 'Keeps the best candidates, here and so far; of equal logits the one scanned first wins.',
    cycles: 'elements + 6',
  },
  {
    name: 'sampler.pick',
    opcode: 0x82,
    unit: 'sampler',
    operands: [],
    doc: 'Picks a token and puts it into the mailbox that `recv` reads; waits while the mailbox is full.',
    cycles: '1 if greedy, else `drawCycles`',
  },
  {
    name: 'sampler.select',
    opcode: 0x83,
    unit: 'sampler',
    operands: operands(
      ['src', at('act'), 'first coarse logit'],
      ['bounds', at('act'), 'for each, how far the exact logit is from it at most'],
      ['elements', count, 'logits'],
      ['firstGroup', count, 'number of the first Q of them'],
      ['options', flags('first'), 'first: forget the shortlist and its limit'],
    ),
    doc: 'Puts every group of Q logits of which one can be the largest onto the shortlist. The limit is the largest logit less its bound.',
    cycles: '2 × elements + `selectLatency`',
  },
  {
    name: 'sampler.next',
    opcode: 0x84,
    unit: 'sampler',
    operands: operands([
      ['options', flags('best'), 'best: the group that set the limit, wherever the list stands', 0, 8],
    ]),
    doc: 'Puts the next group of the shortlist that can reach the limit into the mailbox that `recv` reads; 2³² − 1 is the end, 2³² − 2 says that the list was too short. The best logit scanned raises the limit. Waits while the mailbox is full.',
    cycles: '5, + 1 for every group that is passed over: this time depends on data',
  },
  sync('sampler', 0x8f),
];

/** Specification of every instruction by assembly name. */
export const instructionsByName: ReadonlyMap<string, InstructionSpec> = new Map(
  instructionTable.map((spec) => [spec.name, spec]),
);

/** Specification of every instruction by opcode. */
export const instructionsByOpcode: ReadonlyMap<number, InstructionSpec> = new Map(
  instructionTable.map((spec) => [spec.opcode, spec]),
);
