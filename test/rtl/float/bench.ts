/**
 * A test bench of float operators side by side: one stream of operands goes into all of them, one per cycle, and every
 * result is compared with the value that a function of the operands gives.
 */
import { type CompiledModule, compile, type Simulation } from 'verilator-wasm';
import { renderLibrary } from './library.ts';

export interface Operator {
  readonly name: string;
  /** Module and parameters, for example `fp_add #(.LATENCY(2))`. */
  readonly module: string;
  /** Connections besides the clock and `y_o`, for example `.a_i(a_i), .b_i(b_i), .subtract_i(1'b0)`. */
  readonly inputs: string;
  /** Bits of the result. */
  readonly width: number;
  /** Cycles from operands to result; 0 is combinational, and has no clock. */
  readonly latency: number;
  /** A combinational module without a clock port. */
  readonly clockless?: boolean;
  /** The right result, as an unsigned integer. */
  readonly expected: (a: number, b: number) => number;
}

/** Compiles the operators into one module with the operands `a_i`, `b_i` (32 bits) and a result port for each. */
export function compileBench(operators: readonly Operator[]): Promise<CompiledModule> {
  const ports = operators.map(({ name, width }) => `  output logic [${width - 1}:0] ${name}_o`);
  const instances = operators.map(
    ({ name, module, inputs, clockless }) =>
      `  ${module} u_${name} (${clockless ? '' : '.clk_i(clk_i), '}${inputs}, .y_o(${name}_o));`,
  );
  const text = [
    '`default_nettype none',
    'module bench (',
    '  input logic clk_i,',
    '  input logic [31:0] a_i,',
    '  input logic [31:0] b_i,',
    `${ports.join(',\n')}`,
    ');',
    ...instances,
    'endmodule',
    '`default_nettype wire',
  ].join('\n');
  return compile({ files: [...renderLibrary(), { name: 'bench.sv', text }], top: 'bench', warnings: 'error' });
}

export interface Mismatch {
  readonly operator: string;
  readonly a: string;
  readonly b: string;
  readonly got: string;
  readonly expected: string;
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** Streams the operand pairs through the operators; returns the first few results that are wrong. */
export function streamMismatches(
  simulation: Simulation,
  operators: readonly Operator[],
  a: Uint32Array,
  b: Uint32Array,
  most = 5,
): Mismatch[] {
  const [aPort, bPort] = [simulation.port('a_i'), simulation.port('b_i')];
  const outputs = operators.map(({ name }) => simulation.port(`${name}_o`));
  const depth = Math.max(1, ...operators.map(({ latency }) => latency));
  const wrong: Mismatch[] = [];
  // Operators of different latency often compute the same function: each distinct one is asked once per pair.
  const functions = [...new Set(operators.map(({ expected }) => expected))];
  const which = operators.map(({ expected }) => functions.indexOf(expected));
  const results = functions.map(() => new Uint32Array(depth));
  for (let cycle = 0; cycle < a.length + depth - 1 && wrong.length < most; cycle++) {
    const at = Math.min(cycle, a.length - 1);
    for (let f = 0; f < functions.length; f++) results[f]![at % depth] = functions[f]!(a[at]!, b[at]!);
    aPort.set(a[at]!);
    bPort.set(b[at]!);
    simulation.tick();
    for (let i = 0; i < operators.length; i++) {
      const { name, latency } = operators[i]!;
      const of = cycle - Math.max(0, latency - 1);
      if (of < 0 || of >= a.length) continue;
      const got = outputs[i]!.get();
      const expected = results[which[i]!]![of % depth]!;
      if (got >>> 0 !== expected) {
        wrong.push({ operator: name, a: hex(a[of]!), b: hex(b[of]!), got: hex(got), expected: hex(expected) });
      }
    }
  }
  return wrong;
}
