import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, VerilogError } from '../src/index.ts';
import { cacheDirectory, counter, describeWithVerilator, random, temporaryDirectory, verilog } from './setup.ts';

/** A design with registers, a memory and wide vectors whose logic is drawn from the seed. */
function randomDesign(seed: number): { name: string; text: string } {
  const next = random(seed);
  const pick = <T>(items: readonly T[]): T => items[next() % items.length] as T;
  const leaf = () =>
    pick(['a_i', 'b_i', 'r0_q', 'r1_q', 'r2_q', 'r3_q', 'read', "32'd12345", "32'hdead_beef", 'w_q[47:16]']);
  const expression = (depth: number): string => {
    if (depth === 0) return leaf();
    const [x, y] = [expression(depth - 1), expression(depth - 1)];
    return pick([
      () => `(${x} ${pick(['+', '-', '*', '^', '&', '|'])} ${y})`,
      () => `(${x} ${pick(['<<', '>>'])} (${y} & 32'd15))`,
      () => `((${x} ${pick(['<', '>=', '==', '!='])} ${y}) ? ${leaf()} : ${leaf()})`,
      () => `(($signed(${x}) < $signed(${y})) ? ~${leaf()} : ${leaf()})`,
      () => `($signed(${x}) >>> (${leaf()} & 32'd7))`,
    ])();
  };
  const assignment = (i: number) => `r${i}_q <= (${leaf()} == 32'd0) ? ${expression(3)} : ${expression(3)};`;
  return verilog(
    'random.sv',
    `module random_design (
       input logic clk_i, input logic rst_ni, input logic [31:0] a_i, input logic [31:0] b_i,
       output logic [31:0] x_o, output logic [31:0] comb_o, output logic [99:0] w_o, output logic [4:0] s_o
     );
       logic [31:0] r0_q, r1_q, r2_q, r3_q;
       logic [99:0] w_q;
       logic [31:0] mem_q [0:15];
       wire [31:0] read = mem_q[a_i[3:0]];
       always_ff @(posedge clk_i) begin
         if (!rst_ni) begin
           r0_q <= 0; r1_q <= 0; r2_q <= 0; r3_q <= 0; w_q <= 0;
         end else begin
           ${[0, 1, 2, 3].map(assignment).join('\n           ')}
           w_q <= {w_q[67:0], ${expression(2)}};
         end
         mem_q[b_i[3:0]] <= ${expression(2)};
       end
       assign x_o = r0_q ^ r1_q ^ r2_q ^ r3_q;
       assign comb_o = ${expression(3)};
       assign w_o = w_q;
       assign s_o = s_of(r0_q);
       function automatic [4:0] s_of(input [31:0] v);
         integer i;
         begin
           s_of = 0;
           for (i = 0; i < 31; i = i + 1) s_of = s_of + {4'd0, v[i]};
         end
       endfunction
     endmodule`,
  );
}

describe('the engine cxxrtl', () => {
  const base = { cacheDirectory, engine: 'cxxrtl' } as const;

  it('has the same interface', async () => {
    const options = { files: [counter], top: 'counter', parameters: { WIDTH: 40, STEP: 0x7000_0000 } };
    const module = await compile({ ...base, ...options });
    expect(module).toMatchObject({ engine: 'cxxrtl', clock: 'clk_i' });
    expect(module.ports).toContainEqual({ name: 'count_o', direction: 'output', width: 40 });
    const sim = module.instantiate();
    sim.tick();
    sim.port('rst_ni').set(1);
    sim.port('en_i').set(1);
    sim.run(12);
    expect(sim.port('count_o').getBig()).toBe(12n * 0x7000_0000n);
    expect(sim.port('rst_ni').direction).toBe('input');
    const fresh = module.instantiate();
    expect(fresh.port('count_o').getBig()).toBe(0n);
  });

  it('reaches registers and memories', async () => {
    const inner = verilog(
      'inner.sv',
      `module outer (input logic clk_i, input logic [3:0] addr_i, output logic [7:0] data_o, output logic [7:0] reg_o);
         inner u_inner (.clk_i, .addr_i, .data_o, .reg_o);
       endmodule
       module inner (input logic clk_i, input logic [3:0] addr_i, output logic [7:0] data_o, output logic [7:0] reg_o);
         logic [7:0] mem_q [0:15];
         logic [7:0] reg_q;
         always_ff @(posedge clk_i) begin
           data_o <= mem_q[addr_i];
           reg_q <= reg_q + 8'd1;
         end
         assign reg_o = reg_q;
       endmodule`,
    );
    const sim = (await compile({ ...base, files: [inner], top: 'outer' })).instantiate();
    const memory = sim.memory('u_inner.mem_q');
    expect(memory).toMatchObject({ width: 8, depth: 16 });
    memory.at(7).set(0x5a);
    sim.port('addr_i').set(7);
    sim.tick();
    expect(sim.port('data_o').get()).toBe(0x5a);
    sim.signal('u_inner.reg_q').set(100);
    sim.tick();
    expect(sim.port('reg_o').get()).toBe(101);
  });

  it.each(['assign b_o = ;', 'assign b_o = undeclared;'])('names file and line of an error: %s', async (line) => {
    const broken = verilog('broken.sv', `module broken (output logic b_o);\n  ${line}\nendmodule`);
    const failing = compile({ ...base, files: [broken], top: 'broken' });
    const error: unknown = await failing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(VerilogError);
    const { diagnostics } = error as VerilogError;
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toMatchObject([{ file: 'broken.sv', line: 3 }]);
  });

  it('steps in where Verilator is missing', async () => {
    const options = { files: [counter], top: 'counter', cacheDirectory, engine: 'auto' } as const;
    const module = await compile({ ...options, tools: { verilator: join(temporaryDirectory(), 'verilator') } });
    expect(module.engine).toBe('cxxrtl');
  });
});

describeWithVerilator('both engines', () => {
  for (const seed of [1, 2]) {
    it(`agree on every output in every cycle of a random design (seed ${seed})`, async () => {
      const options = { files: [randomDesign(seed)], top: 'random_design', cacheDirectory };
      const [a, b] = await Promise.all([compile(options), compile({ ...options, engine: 'cxxrtl' })]);
      const [left, right] = [a.instantiate(), b.instantiate()];
      const next = random(seed + 100);
      let seen = 0n;
      for (let cycle = 0; cycle < 2000; cycle++) {
        const [p, q] = [next(), next()];
        for (const sim of [left, right]) {
          sim.port('rst_ni').set(cycle < 2 ? 0 : 1);
          sim.port('a_i').set(p);
          sim.port('b_i').set(q);
          if (cycle % 3 === 0) sim.eval();
          else sim.tick();
        }
        for (const name of ['x_o', 'comb_o', 'w_o', 's_o']) {
          const value = left.port(name).getBig();
          if (right.port(name).getBig() !== value) expect.fail(`cycle ${cycle}: ${name} differs`);
          seen ^= value;
        }
      }
      expect(seen).not.toBe(0n);
      expect(left.cycles).toBe(right.cycles);
    });
  }
});
