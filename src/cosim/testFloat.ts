/**
 * Berkeley TestFloat vectors on the float library.
 *
 * `testfloat_gen f32_add` writes one line per case: the operands, the result and the exception flags, in hexadecimal.
 * The machine has no flags, one NaN, and rounds to nearest even; so flags are read and not compared, any NaN stands
 * for the machine's, and a float that has no integer (flag `invalid`) is left out of conversions to integers, because
 * implementations of the standard differ there.
 */
import { LutraError } from '../base/diagnostics.ts';

/** What a vector's word is. */
interface Word {
  readonly kind: 'float' | 'integer' | 'truth';
  readonly bits: 1 | 16 | 32;
}

/** An operation that both TestFloat and the library have. */
export interface TestFloatOperation {
  /** As `testfloat_gen` calls it. */
  readonly name: string;
  readonly operands: readonly Word[];
  readonly result: Word;
  /** Module of the library with its parameters except LATENCY; combinational if `clockless`. */
  readonly module: string;
  readonly parameters: readonly string[];
  /** Its connections besides clock and result. */
  readonly inputs: string;
  readonly clockless: boolean;
}

const shapes = { f16: { bits: 16, exp: 5, man: 10 }, f32: { bits: 32, exp: 8, man: 23 } } as const;
type FormatName = keyof typeof shapes;

function formatParameters(format: FormatName): string[] {
  return [`.EXP(${shapes[format].exp})`, `.MAN(${shapes[format].man})`];
}

function floatWord(format: FormatName): Word {
  return { kind: 'float', bits: shapes[format].bits };
}

function binary(
  format: FormatName,
  verb: string,
  module: string,
  more: string,
  clockless: boolean,
): TestFloatOperation {
  const top = shapes[format].bits - 1;
  return {
    name: `${format}_${verb}`,
    operands: [floatWord(format), floatWord(format)],
    result: clockless ? { kind: 'truth', bits: 1 } : floatWord(format),
    module,
    parameters: formatParameters(format),
    inputs: `.a_i(a_i[${top}:0]), .b_i(b_i[${top}:0])${more}`,
    clockless,
  };
}

function unary(name: string, operand: Word, result: Word, module: string, parameters: string[]): TestFloatOperation {
  const inputs = `.x_i(a_i[${operand.bits - 1}:0])`;
  return { name, operands: [operand], result, module, parameters, inputs, clockless: false };
}

function conversion(from: FormatName, to: FormatName): TestFloatOperation {
  const [i, o] = [shapes[from], shapes[to]];
  return unary(`${from}_to_${to}`, floatWord(from), floatWord(to), 'fp_convert', [
    `.EXP_I(${i.exp})`,
    `.MAN_I(${i.man})`,
    `.EXP_O(${o.exp})`,
    `.MAN_O(${o.man})`,
  ]);
}

const int32: Word = { kind: 'integer', bits: 32 };

function operationsOf(format: FormatName): TestFloatOperation[] {
  const parameters = formatParameters(format);
  const limits = ['.INT_WIDTH(32)', '.LOW(-2147483648)', '.HIGH(2147483647)'];
  return [
    binary(format, 'add', 'fp_add', ", .subtract_i(1'b0)", false),
    binary(format, 'sub', 'fp_add', ", .subtract_i(1'b1)", false),
    binary(format, 'mul', 'fp_mul', '', false),
    binary(format, 'lt', 'fp_less', '', true),
    binary(format, 'lt_quiet', 'fp_less', '', true),
    unary(`i32_to_${format}`, int32, floatWord(format), 'fp_from_int', [...parameters, '.INT_WIDTH(32)']),
    unary(`${format}_to_i32`, floatWord(format), int32, 'fp_to_int', [...parameters, ...limits]),
  ];
}

/** By TestFloat's name. */
export const testFloatOperations: ReadonlyMap<string, TestFloatOperation> = new Map(
  [...operationsOf('f16'), ...operationsOf('f32'), conversion('f16', 'f32'), conversion('f32', 'f16')].map(
    (operation) => [operation.name, operation],
  ),
);

/** The operation of that name. Throws LutraError COSIM020 with the names there are. */
export function testFloatOperation(name: string): TestFloatOperation {
  const operation = testFloatOperations.get(name);
  if (operation) return operation;
  throw new LutraError({
    code: 'COSIM020',
    message: `the float library has no operation ${name} to test`,
    hint: `it has ${[...testFloatOperations.keys()].join(', ')}`,
    exit: 'usage',
  });
}

/** Vectors of one operation, column by column; `b` is all zeros where there is one operand. */
export interface TestFloatVectors {
  readonly operation: TestFloatOperation;
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly results: Uint32Array;
  readonly flags: Uint8Array;
  /** Line of each vector in the file, from 1. */
  readonly lines: Uint32Array;
}

/**
 * Reads the lines that `testfloat_gen NAME` writes; empty lines are left out. Throws LutraError COSIM021 with the line.
 * The words must have as many digits as their format has, as TestFloat writes them.
 */
export function parseTestFloat(operation: TestFloatOperation, text: string, file: string): TestFloatVectors {
  const words = [...operation.operands, operation.result];
  const columns = words.length + 1;
  const rows: number[][] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '') return;
    const fields = line.split(/\s+/);
    const place = { file, line: index + 1 };
    if (fields.length !== columns) {
      throw new LutraError({
        code: 'COSIM021',
        message: `${fields.length} words, not the ${columns} of ${operation.name}`,
        place,
        hint: `a line is ${operation.operands.length} operand${operation.operands.length > 1 ? 's' : ''}, result, flags`,
      });
    }
    rows.push([...fields.map((field, at) => parseWord(field, words[at], place)), index + 1]);
  });
  if (rows.length === 0) throw new LutraError({ code: 'COSIM021', message: 'no vectors', place: { file } });
  const column = (at: number) => Uint32Array.from(rows, (row) => row[at] as number);
  const two = operation.operands.length === 2;
  return {
    operation,
    a: column(0),
    b: two ? column(1) : new Uint32Array(rows.length),
    results: column(words.length - 1),
    flags: Uint8Array.from(column(words.length)),
    lines: column(columns),
  };
}

/** `word` undefined: the flags, five bits. */
function parseWord(field: string, word: Word | undefined, place: { file: string; line: number }): number {
  const digits = word ? Math.ceil(word.bits / 4) : 2;
  const largest = word ? 2 ** word.bits - 1 : 31;
  const value = /^[0-9a-f]+$/i.test(field) && field.length === digits ? Number.parseInt(field, 16) : Number.NaN;
  if (value <= largest) return value;
  const wanted = word === undefined ? 'a byte of flags' : word.bits === 1 ? '0 or 1' : `${digits} hexadecimal digits`;
  throw new LutraError({ code: 'COSIM021', message: `${JSON.stringify(field)} is not ${wanted}`, place });
}

/** Name of the module that `testFloatBench` writes. */
export const testFloatTop = 'testfloat';

/** Verilog of a top module around the operation: operands `a_i` and `b_i` of 32 bits, result `y_o`, clock `clk_i`. */
export function testFloatBench(operation: TestFloatOperation, latency: number): string {
  const { module, parameters, inputs, clockless, result } = operation;
  const all = clockless ? parameters : [...parameters, `.LATENCY(${latency})`];
  return [
    '`default_nettype none',
    `module ${testFloatTop} (`,
    '  input  logic        clk_i,',
    '  input  logic [31:0] a_i,',
    '  input  logic [31:0] b_i,',
    `  output logic [${result.bits - 1}:0] y_o`,
    ');',
    `  ${module} #(${all.join(', ')}) u_operator (`,
    `    ${clockless ? '' : '.clk_i(clk_i), '}${inputs}, .y_o(y_o)`,
    '  );',
    'endmodule',
    '`default_nettype wire',
    '',
  ].join('\n');
}

/** What is needed of a simulation of the bench; `tick` is a whole clock cycle and leaves the outputs settled. */
export interface VectorSimulation {
  port(name: string): { get(): number; set(value: number): void };
  tick(): void;
}

export interface VectorMismatch {
  readonly line: number;
  readonly a: number;
  readonly b: number;
  readonly got: number;
  readonly expected: number;
}

export interface VectorReport {
  readonly compared: number;
  /** Conversions to an integer that does not exist. */
  readonly skipped: number;
  readonly mismatches: number;
  /** The first of them. */
  readonly first: readonly VectorMismatch[];
}

const invalidFlag = 0x10;

/** Streams the vectors through the operation, one per cycle, and compares every result. */
export function runVectors(
  simulation: VectorSimulation,
  vectors: TestFloatVectors,
  latency: number,
  mostMismatches = 10,
): VectorReport {
  const { operation, a, b, results, flags, lines } = vectors;
  const [aPort, bPort, yPort] = [simulation.port('a_i'), simulation.port('b_i'), simulation.port('y_o')];
  // A result is seen after the edge that ends its operands' cycle and `behind` more.
  const behind = operation.clockless ? 0 : latency - 1;
  const first: VectorMismatch[] = [];
  let [compared, skipped, mismatches] = [0, 0, 0];
  for (let cycle = 0; cycle < a.length + behind; cycle++) {
    const given = Math.min(cycle, a.length - 1);
    aPort.set(a[given] as number);
    bPort.set(b[given] as number);
    simulation.tick();
    const at = cycle - behind;
    if (at < 0) continue;
    if (operation.result.kind === 'integer' && ((flags[at] as number) & invalidFlag) !== 0) {
      skipped++;
      continue;
    }
    compared++;
    const expected = withOneNaN(operation.result, results[at] as number);
    const got = yPort.get() >>> 0;
    if (got === expected) continue;
    mismatches++;
    if (first.length < mostMismatches) {
      first.push({ line: lines[at] as number, a: a[at] as number, b: b[at] as number, got, expected });
    }
  }
  return { compared, skipped, mismatches, first };
}

/** The machine's NaN for any NaN. */
function withOneNaN({ kind, bits }: Word, value: number): number {
  if (kind !== 'float') return value;
  const [infinity, one] = bits === 16 ? [0x7c00, 0x7e00] : [0x7f80_0000, 0x7fc0_0000];
  const magnitude = bits === 16 ? value & 0x7fff : value & 0x7fff_ffff;
  return magnitude > infinity ? one : value;
}
