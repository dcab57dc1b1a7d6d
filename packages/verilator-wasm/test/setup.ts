import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, onTestFinished } from 'vitest';
import { which } from '../src/tools.ts';

/** Kept between runs of the tests, so that only changed designs are compiled. */
export const cacheDirectory = fileURLToPath(new URL('../../../node_modules/.cache/verilator-wasm', import.meta.url));

const installed = which('verilator', {}) !== undefined;

/** A group of tests that need Verilator; without it they are listed as skipped, with the reason. */
export function describeWithVerilator(name: string, tests: () => void): void {
  describe.skipIf(!installed)(installed ? name : `${name} [needs verilator]`, tests);
}

/** An empty directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'verilator-wasm-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A source with the lines that every file begins and ends with. */
export function verilog(name: string, body: string): { name: string; text: string } {
  return { name, text: `\`default_nettype none\n${body}\n\`default_nettype wire\n` };
}

/** The same sequence of 32-bit numbers for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

export const counter = verilog(
  'counter.sv',
  `module counter #(
    parameter int WIDTH = 8,
    parameter int STEP = 1
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             en_i,
    output logic [WIDTH-1:0] count_o,
    output logic             last_o
);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_o <= '0;
    else if (en_i) count_o <= count_o + WIDTH'(STEP);
  end
  assign last_o = &count_o;
endmodule`,
);
