// One write port, one read port, one clock.
//
//   WIDTH, DEPTH   bits of a word, words
//   LANE_WIDTH     bits that one write enable covers; WIDTH is a multiple of it
//   STYLE          "block", "ultra", "distributed" or "auto": what a Xilinx tool is asked to use
//   READ_LATENCY   1, or 2 with an output register
//
// An address given in cycle c brings its word in c + READ_LATENCY. A word written in cycle c is read by an address
// given in c + 1; an address given in c itself brings the old word.
//
//   cycle            0    1    2    3
//   write_enable_i   ‾‾‾‾‾____________
//   read_enable_i    _____‾‾‾‾‾_______      the word of cycle 0
//   read_data_o                W            READ_LATENCY = 1
`default_nettype none

module mem_simple #(
  parameter WIDTH        = 32,
  parameter DEPTH        = 512,
  parameter LANE_WIDTH   = WIDTH,
  parameter STYLE        = "block",
  parameter READ_LATENCY = 1,
  parameter LANES        = WIDTH / LANE_WIDTH,
  parameter ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic                    clk_i,
  input  logic [LANES-1:0]        write_enable_i,
  input  logic [ADDRESS_BITS-1:0] write_address_i,
  input  logic [WIDTH-1:0]        write_data_i,
  input  logic                    read_enable_i,
  input  logic [ADDRESS_BITS-1:0] read_address_i,
  output logic [WIDTH-1:0]        read_data_o
);
  // Linters do not count an attribute as a use.
  localparam unused_style = STYLE;

  (* ram_style = STYLE *)
  logic [WIDTH-1:0] mem [0:DEPTH-1];
  logic [WIDTH-1:0] read_q;

  always_ff @(posedge clk_i) begin
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      if (write_enable_i[lane]) begin
        mem[write_address_i][lane*LANE_WIDTH +: LANE_WIDTH] <= write_data_i[lane*LANE_WIDTH +: LANE_WIDTH];
      end
    end
    if (read_enable_i) read_q <= mem[read_address_i];
  end

  generate
    if (READ_LATENCY == 2) begin : g_register
      logic [WIDTH-1:0] output_q;
      always_ff @(posedge clk_i) output_q <= read_q;
      assign read_data_o = output_q;
    end else begin : g_direct
      assign read_data_o = read_q;
    end
  endgenerate
endmodule

`default_nettype wire
