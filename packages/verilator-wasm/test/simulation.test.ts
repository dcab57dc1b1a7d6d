import { expect, it } from 'vitest';
import { compile, SimulationError } from '../src/index.ts';
import { cacheDirectory, counter, describeWithVerilator, random, verilog } from './setup.ts';

const shapes = verilog(
  'shapes.sv',
  `module shapes (
    input  logic            clk_i,
    input  logic [15:0]     half_i,
    input  logic [31:0]     word_i,
    input  logic [52:0]     long_i,
    input  logic [99:0]     wide_i,
    input  logic [2047:0]   bus_i,
    input  logic [3:0][7:0] packed_i,
    output logic [15:0]     half_o,
    output logic [31:0]     word_o,
    output logic [52:0]     long_o,
    output logic [99:0]     wide_o,
    output logic [2047:0]   bus_o,
    output logic [3:0][7:0] packed_o,
    output logic [31:0]     two__under_o
);
  assign half_o = ~half_i;
  assign word_o = word_i + 32'd1;
  assign wide_o = {wide_i[0], wide_i[99:1]};
  assign packed_o = {packed_i[0], packed_i[1], packed_i[2], packed_i[3]};
  assign two__under_o = word_i;
  always_ff @(posedge clk_i) begin
    long_o <= long_i;
    bus_o <= ~bus_i;
  end
endmodule`,
);

const memories = verilog(
  'memories.sv',
  `module memories (
    input  logic        clk_i,
    input  logic        we_i,
    input  logic [3:0]  addr_i,
    input  logic [71:0] data_i,
    output logic [71:0] data_o,
    output logic [7:0]  now_o,
    output logic [15:0] lanes_o
);
  logic [7:0] byte_q[16];
  logic [71:0] wide_q[3:10];
  logic [11:0] grid_q[2][4];
  always_ff @(posedge clk_i) begin
    if (we_i) wide_q[{1'b0, addr_i[2:0]} + 4'd3] <= data_i;
    if (we_i) grid_q[addr_i[0]][addr_i[2:1]] <= data_i[11:0];
    data_o <= wide_q[{1'b0, addr_i[2:0]} + 4'd3];
  end
  assign now_o = byte_q[addr_i];
  for (genvar g = 0; g < 2; g++) begin : g_lane
    lane #(.INCREMENT(g + 1)) u_lane (.clk_i, .sum_o(lanes_o[8*g+:8]));
  end
endmodule
module lane #(parameter int INCREMENT = 1) (input logic clk_i, output logic [7:0] sum_o);
  logic [7:0] sum_q;
  always_ff @(posedge clk_i) sum_q <= sum_q + 8'(INCREMENT);
  assign sum_o = sum_q;
endmodule`,
);

const edges = verilog(
  'edges.sv',
  `module edges (
    input  logic       clk_i,
    input  logic       slow_i,
    input  logic [7:0] d_i,
    output logic [7:0] rise_o,
    output logic [7:0] fall_o,
    output logic [7:0] slow_o,
    output logic [7:0] sum_o
);
  always_ff @(posedge clk_i) rise_o <= d_i;
  always_ff @(negedge clk_i) fall_o <= d_i;
  always_ff @(posedge slow_i) slow_o <= rise_o;
  assign sum_o = rise_o + d_i;
endmodule`,
);

describeWithVerilator('a simulation', () => {
  it('counts, with parameters from outside', async () => {
    const options = { files: [counter], top: 'counter', cacheDirectory };
    const narrow = (await compile(options)).instantiate();
    const module = await compile({ ...options, parameters: { WIDTH: 40, STEP: 0x7000_0000 } });
    expect(module.ports).toContainEqual({ name: 'count_o', direction: 'output', width: 40 });
    expect(module.clock).toBe('clk_i');
    const wide = module.instantiate();
    for (const sim of [narrow, wide]) {
      sim.port('rst_ni').set(0);
      sim.tick();
      sim.port('rst_ni').set(1);
      sim.tick();
      sim.port('en_i').set(1);
      sim.tick();
      sim.tick();
      expect(sim.run(10)).toBe(10);
      expect(sim.cycles).toBe(14);
    }
    expect(narrow.port('count_o').get()).toBe(12);
    expect(wide.port('count_o').getBig()).toBe(12n * 0x7000_0000n);
    narrow.run(243);
    expect(narrow.port('last_o').get()).toBe(1);
    narrow.tick();
    expect([narrow.port('count_o').get(), narrow.port('last_o').get()]).toEqual([0, 0]);
  });

  it('passes values of every width in and out', async () => {
    const sim = (await compile({ files: [shapes], top: 'shapes', cacheDirectory })).instantiate();
    const next = random(1);
    const big = (width: number) => {
      let value = 0n;
      for (let bits = 0; bits < width; bits += 32) value = (value << 32n) | BigInt(next());
      return BigInt.asUintN(width, value);
    };
    for (let i = 0; i < 200; i++) {
      const [half, word, long, wide, bus] = [big(16), big(32), big(53), big(100), big(2048)];
      sim.port('half_i').set(Number(half));
      sim.port('word_i').set(Number(word));
      sim.port('long_i').set(Number(long));
      sim.port('wide_i').setBig(wide);
      if (i % 2 === 0) sim.port('bus_i').setBig(bus);
      else
        sim
          .port('bus_i')
          .words.set(Array.from({ length: 64 }, (_, k) => Number((bus >> BigInt(32 * k)) & 0xffff_ffffn)));
      sim.port('packed_i').set(0x11223344);
      sim.tick();
      expect(sim.port('half_o').get()).toBe(0xffff ^ Number(half));
      expect(sim.port('word_o').get()).toBe((Number(word) + 1) % 2 ** 32);
      expect(sim.port('two__under_o').getBig()).toBe(word);
      expect(sim.port('long_o').getBig()).toBe(long);
      expect(sim.port('wide_o').getBig()).toBe((wide >> 1n) | ((wide & 1n) << 99n));
      expect(sim.port('bus_o').getBig()).toBe(BigInt.asUintN(2048, ~bus));
      expect(sim.port('packed_o').get()).toBe(0x44332211);
    }
  });

  it('drops bits that a port does not have, and refuses what would be misread', async () => {
    const sim = (await compile({ files: [shapes], top: 'shapes', cacheDirectory })).instantiate();
    sim.port('half_i').set(0x5_1234);
    expect(sim.port('half_i').get()).toBe(0x1234);
    sim.port('half_i').set(-1);
    expect(sim.port('half_i').get()).toBe(0xffff);
    sim.port('word_i').set(-1);
    expect(sim.port('word_i').get()).toBe(0xffff_ffff);
    sim.port('wide_i').setBig(-1n);
    expect(sim.port('wide_i').getBig()).toBe(2n ** 100n - 1n);
    sim.port('wide_i').setWords([1, 2, 3, 0xffff_fff4]);
    expect([...sim.port('wide_i').words]).toEqual([1, 2, 3, 4]);
    expect(() => sim.port('wide_i').get()).toThrow(/getBig/);
    expect(() => sim.port('half_i').words).toThrow(/16 bits/);
    expect(() => sim.port('wide_i').set(-1)).toThrow(/setBig/);
    expect(() => sim.port('nowhere')).toThrow(/no port nowhere; there is: .*half_i/);
  });

  it('reaches memories and registers inside', async () => {
    const module = await compile({
      files: [memories],
      top: 'memories',
      cacheDirectory,
      publicSignals: [
        { module: 'memories', signal: 'byte_q' },
        { module: 'memories', signal: 'wide_q' },
        { module: 'memories', signal: 'grid_q' },
        { module: 'lane', signal: 'sum_q' },
      ],
    });
    const sim = module.instantiate();
    expect(sim.publicPaths).toEqual(['byte_q', 'g_lane[0].u_lane.sum_q', 'g_lane[1].u_lane.sum_q', 'grid_q', 'wide_q']);
    const bytes = sim.memory('byte_q');
    expect(bytes).toMatchObject({ width: 8, depth: 16, wordsPerElement: 1 });
    bytes.view.set(Uint8Array.from({ length: 16 }, (_, i) => 200 + i));
    for (const address of [0, 9, 15]) {
      sim.port('addr_i').set(address);
      sim.eval();
      expect(sim.port('now_o').get()).toBe(200 + address);
    }
    bytes.at(15).set(3);
    sim.eval();
    expect(sim.port('now_o').get()).toBe(3);

    const wide = sim.memory('wide_q');
    expect(wide).toMatchObject({ width: 72, depth: 8, wordsPerElement: 3, ranges: [[3, 10]] });
    wide.at(5).setBig(0xab_0123_4567_89ab_cdefn);
    expect([...wide.view.subarray(15, 18)]).toEqual([0x89abcdef, 0x01234567, 0xab]);
    sim.port('addr_i').set(5);
    sim.tick();
    expect(sim.port('data_o').getBig()).toBe(0xab_0123_4567_89ab_cdefn);
    sim.port('we_i').set(1);
    sim.port('data_i').setBig(0x77n << 64n);
    sim.tick();
    expect(wide.at(5).getBig()).toBe(0x77n << 64n);
    expect(() => wide.at(8)).toThrow(RangeError);

    const grid = sim.memory('grid_q');
    expect(grid.ranges).toEqual([
      [0, 1],
      [0, 3],
    ]);
    sim.port('addr_i').set(3);
    sim.port('data_i').setBig(0xabcn);
    sim.tick();
    expect(grid.at(1 * 4 + 1).get()).toBe(0xabc);
    expect(grid.view).toBeInstanceOf(Uint16Array);

    sim.signal('g_lane[0].u_lane.sum_q').set(10);
    sim.signal('g_lane[1].u_lane.sum_q').set(20);
    sim.tick();
    expect(sim.port('lanes_o').get()).toBe((22 << 8) | 11);
    expect(() => sim.memory('lost')).toThrow(/no public array lost/);
  });

  it('keeps instances apart', async () => {
    const module = await compile({ files: [counter], top: 'counter', cacheDirectory });
    const [a, b] = [module.instantiate(), module.instantiate()];
    for (const sim of [a, b]) {
      sim.tick();
      sim.port('rst_ni').set(1);
      sim.port('en_i').set(1);
    }
    a.run(5);
    b.run(7);
    a.run(1);
    expect([a.port('count_o').get(), b.port('count_o').get()]).toEqual([6, 7]);
  });

  it('acts on both edges, and on clocks that the caller drives', async () => {
    const sim = (await compile({ files: [edges], top: 'edges', cacheDirectory })).instantiate();
    const values = () => ['rise_o', 'fall_o', 'slow_o', 'sum_o'].map((name) => sim.port(name).get());
    sim.port('d_i').set(1);
    sim.tick(); // the first tick has no falling edge: the clock is low from the beginning
    expect(values()).toEqual([1, 0, 0, 2]);
    sim.port('d_i').set(2);
    sim.eval();
    expect(values()).toEqual([1, 0, 0, 3]);
    sim.tick();
    expect(values()).toEqual([2, 2, 0, 4]);
    sim.port('slow_i').set(1);
    sim.eval();
    expect(values()).toEqual([2, 2, 2, 4]);
    sim.port('d_i').set(9);
    sim.eval();
    expect(values()).toEqual([2, 2, 2, 11]);
  });

  it('drives the clock that is named, and says when there is none', async () => {
    const slow = await compile({ files: [edges], top: 'edges', clock: 'slow_i', cacheDirectory });
    expect(slow.clock).toBe('slow_i');
    await expect(compile({ files: [edges], top: 'edges', clock: 'd_i', cacheDirectory })).rejects.toThrow(
      /one-bit input/,
    );
    const comb = verilog('comb.sv', 'module comb (input logic a_i, output logic b_o); assign b_o = ~a_i; endmodule');
    const sim = (await compile({ files: [comb], top: 'comb', cacheDirectory })).instantiate();
    sim.eval();
    expect(sim.port('b_o').get()).toBe(1);
    expect(() => sim.tick()).toThrow(/without a clock/);
  });

  it('starts from the seed where nothing is reset, and the same way for the same seed', async () => {
    const holder = verilog(
      'holder.sv',
      `module holder (input logic clk_i, input logic we_i, input logic [63:0] d_i, output logic [63:0] q_o);
         always_ff @(posedge clk_i) if (we_i) q_o <= d_i;
       endmodule`,
    );
    const unique = await compile({ files: [holder], top: 'holder', xInitial: 'unique', cacheDirectory });
    const initial = [1, 1, 2, 3, 0].map((seed) => unique.instantiate({ seed }).port('q_o').getBig());
    expect(initial[0]).toBe(initial[1]);
    expect(new Set(initial).size).toBe(4);
    const zero = await compile({ files: [holder], top: 'holder', xInitial: '0', cacheDirectory });
    expect(zero.instantiate({ seed: 5 }).port('q_o').getBig()).toBe(0n);
    expect(() => unique.instantiate({ seed: -1 })).toThrow(RangeError);
  });

  it('prints, finishes, stops and reads data files as the Verilog says', async () => {
    const talker = verilog(
      'talker.sv',
      `module talker (input logic clk_i, input logic bad_i, output logic [7:0] rom_o);
         logic [7:0] rom[4];
         logic [1:0] at_q;
         initial $readmemh("rom.hex", rom);
         initial at_q = '0;
         always_ff @(posedge clk_i) begin
           at_q <= at_q + 2'd1;
           if (at_q == 2'd2) $display("at %0d of %s", at_q, \`WHO);
           if (at_q == 2'd3) $finish;
           if (bad_i) $stop;
         end
         assign rom_o = rom[at_q];
       endmodule`,
    );
    const files = [talker, { name: 'rom.hex', text: '0a 0b\n0c 0d\n' }];
    const module = await compile({ files, top: 'talker', defines: { WHO: '"four"' }, cacheDirectory });
    let printed = '';
    const sim = module.instantiate({
      print: (text) => {
        printed += text;
      },
    });
    sim.eval();
    expect(sim.port('rom_o').get()).toBe(0x0a);
    sim.run(2);
    expect(sim.port('rom_o').get()).toBe(0x0c);
    expect(sim.finished).toBe(false);
    expect(sim.run(100)).toBe(2);
    expect(sim.finished).toBe(true);
    expect(printed).toBe('at 2 of four\n');
    const other = module.instantiate({ files: { 'rom.hex': '11 22 33 44' } });
    other.eval();
    expect(other.port('rom_o').get()).toBe(0x11);
    other.port('bad_i').set(1);
    expect(() => other.tick()).toThrow(SimulationError);
  });
});
