import { hostWrites } from '../../src/host/hostWrites.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { derive } from '../../src/hw/index.ts';
import type { ProgramImage } from '../../src/isa/index.ts';
import { controlRegister } from '../../src/rtl/registers.ts';

/** Clock cycles after which the bench gives up. */
const patienceCycles = 20_000;

/**
 * A bench for Icarus: the accelerator with one memory port, a memory that answers after a fixed time, and a host that
 * starts the program. Memory is read from `before.hex` and written to `after.hex`, a port's width on each line.
 * It prints `halted`, or what went wrong: an X on a control output, or no end.
 */
export function fourStateBench(hw: HardwareModel, image: ProgramImage, words: number): string {
  const { portBytes } = derive(hw);
  const channel = (name: 'ar' | 'aw') =>
    ['addr', 'len', 'size', 'burst', 'lock', 'cache', 'prot', 'qos', 'user', 'valid'].map((pin) => `${name}${pin}`);
  const outputs = [...channel('ar'), ...channel('aw'), 'rready', 'wdata', 'wstrb', 'wlast', 'wvalid', 'bready'];
  const widths: Readonly<Record<string, number>> = {
    addr: 64,
    len: 8,
    size: 3,
    burst: 2,
    cache: 4,
    prot: 3,
    qos: 4,
    data: 8 * portBytes,
    strb: portBytes,
  };
  const widthOf = (pin: string) => widths[pin.replace(/^(ar|aw|w)/, '')] ?? 1;
  const wire = (pin: string) => `  wire [${widthOf(pin) - 1}:0] ${pin};`;
  const pins = [...outputs, 'arready', 'awready', 'wready', 'rdata', 'rresp', 'rlast', 'rvalid', 'bresp', 'bvalid'];
  const traces = [
    'running',
    'halted',
    'stopped',
    'draining',
    'fetched',
    'issued',
    'started',
    'first',
    'finished',
    'emit',
  ];
  const wide = ['issued', 'started', 'first', 'finished'];
  return `\`timescale 1ns/1ns
module bench;
  localparam WORDS = ${words}, BYTES = ${portBytes}, LATENCY = ${hw.memory.latencyCycles};
  reg clk = 0, rst_n = 0;
  always #5 clk = !clk;

${outputs.map(wire).join('\n')}
${traces.map((name) => `  wire ${wide.includes(name) ? '[7:0] ' : ''}trace_${name};`).join('\n')}
  wire arready = 1, awready = 1, wready = 1;
  wire [1:0] rresp = 0, bresp = 0;
  reg [8*BYTES-1:0] rdata = 0;
  reg rlast = 0, rvalid = 0, bvalid = 0;
  reg [11:0] address = 0;
  reg [31:0] value = 0;
  reg valid = 0;
  wire awtaken, wtaken;

  lutra core (
    .clk_i(clk), .rst_ni(rst_n), .interrupt_o(),
    .s_axi_control_awaddr(address), .s_axi_control_awvalid(valid), .s_axi_control_awready(awtaken),
    .s_axi_control_wdata(value), .s_axi_control_wstrb(4'hf), .s_axi_control_wvalid(valid), .s_axi_control_wready(wtaken),
    .s_axi_control_bresp(), .s_axi_control_bvalid(), .s_axi_control_bready(1'b1),
    .s_axi_control_araddr(12'd0), .s_axi_control_arvalid(1'b0), .s_axi_control_arready(),
    .s_axi_control_rdata(), .s_axi_control_rresp(), .s_axi_control_rvalid(), .s_axi_control_rready(1'b1),
${pins.map((pin) => `    .m_axi_gmem0_${pin}(${pin}),`).join('\n')}
${traces.map((name) => `    .trace_${name}_o(trace_${name}),`).join('\n')}
    .trace_pc_o(), .trace_emit_token_o()
  );

  // Memory: one burst of each direction at a time.
  reg [8*BYTES-1:0] mem [0:WORDS-1];
  integer read_at = 0, read_left = 0, read_wait = 0, write_at = 0, answer_wait = 0, lane;
  always @(posedge clk) begin
    rvalid <= 0;
    rlast  <= 0;
    bvalid <= answer_wait == 1;
    if (answer_wait != 0) answer_wait <= answer_wait - 1;
    if (rst_n && arvalid) begin
      read_at   <= araddr / BYTES;
      read_left <= arlen + 1;
      read_wait <= LATENCY;
    end else if (read_wait != 0) read_wait <= read_wait - 1;
    else if (read_left != 0) begin
      rvalid    <= 1;
      rdata     <= mem[read_at];
      rlast     <= read_left == 1;
      read_at   <= read_at + 1;
      read_left <= read_left - 1;
    end
    if (rst_n && awvalid) write_at <= awaddr / BYTES;
    if (rst_n && wvalid) begin
      for (lane = 0; lane < BYTES; lane = lane + 1) if (wstrb[lane]) mem[write_at][8*lane +: 8] <= wdata[8*lane +: 8];
      write_at <= write_at + 1;
      if (wlast) answer_wait <= LATENCY;
    end
  end

  // A control output must be known from reset on.
  integer cycle = 0;
  reg seen = 0;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (trace_running === 1'b1) seen <= 1;
    if (seen && ^{${traces.map((name) => `trace_${name}`).join(', ')}, arvalid, awvalid, wvalid} === 1'bx) begin
      $display("cycle %0d: an unknown control output", cycle);
${[...traces.map((name) => `trace_${name}`), 'arvalid', 'awvalid', 'wvalid'].map((name) => `      $display("  ${name} %b", ${name});`).join('\n')}
      $finish;
    end
    if (arvalid === 1'b1 && ^{araddr, arlen} === 1'bx) begin
      $display("cycle %0d: an unknown read address", cycle);
      $finish;
    end
    if ((awvalid === 1'b1 && ^{awaddr, awlen} === 1'bx) || (wvalid === 1'b1 && ^{wstrb, wlast} === 1'bx)) begin
      $display("cycle %0d: an unknown write", cycle);
      $finish;
    end
    if (seen && trace_halted === 1'b1) begin
      $display("halted");
      $writememh("after.hex", mem);
      $finish;
    end
    if (trace_stopped === 1'b1) begin
      $display("stopped");
      $finish;
    end
    if (cycle == ${patienceCycles}) begin
      $display("no halt");
      $finish;
    end
  end

  task set(input [11:0] to, input [31:0] data);
    begin
      @(negedge clk) address = to;
      value = data;
      valid = 1;
      @(posedge clk);
      while (!(awtaken && wtaken)) @(posedge clk);
      @(negedge clk) valid = 0;
      repeat (4) @(posedge clk);
    end
  endtask

  initial begin
    $readmemh("before.hex", mem);
    repeat (8) @(posedge clk);
    @(negedge clk) rst_n = 1;
    repeat (2) @(posedge clk);
${hostWrites(image, 0n)
  .map(({ register, value }) => `    set(${controlRegister(register).offset}, 32'd${value});`)
  .join('\n')}
    set(${controlRegister('control').offset}, 1);
  end
endmodule
`;
}

/** Bytes as words of `$readmemh`. */
export function toHexWords(bytes: Uint8Array, wordBytes: number): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += wordBytes) {
    const word = [...bytes.subarray(at, at + wordBytes)].reverse();
    lines.push(word.map((byte) => byte.toString(16).padStart(2, '0')).join(''));
  }
  return `${lines.join('\n')}\n`;
}
