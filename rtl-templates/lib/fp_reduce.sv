// The machine's reduction of rows of float32 products: in each beat the tree over the lanes, then `fp_accumulate`.
//
//   LANES          products of a beat, a power of two; lanes past a row's end are given as +0
//   PARTIALS       partial sums, a power of two, not below ADD_LATENCY
//   ADD_LATENCY    cycles of one addition
//
// The beats of a row come in consecutive cycles, the last with last_i; the next row may begin in the next cycle or
// later. y_o is there, with valid_o, T = ($clog2(LANES) + 1 + $clog2(PARTIALS))·ADD_LATENCY cycles after the row's last
// beat:
//
//   cycle      0    1    2    3    4          T+2       T+3
//   valid_i    ‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾______
//   last_i     __________‾‾‾‾‾‾‾‾‾‾______     a row of three beats, then one of a single beat
//   valid_o                                   ‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
`default_nettype none

module fp_reduce #(
  parameter LANES       = 16,
  parameter PARTIALS    = 8,
  parameter ADD_LATENCY = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                valid_i,
  input  logic                last_i,
  input  logic [32*LANES-1:0] values_i,
  output logic                valid_o,
  output logic [31:0]         y_o
);
  localparam TREE = $clog2(LANES) * ADD_LATENCY;

  logic        valid, last;
  logic [31:0] total;

  fp_tree #(.COUNT(LANES), .ADD_LATENCY(ADD_LATENCY)) u_tree (.clk_i(clk_i), .values_i(values_i), .y_o(total));
  delay_valid #(.WIDTH(2), .CYCLES(TREE)) u_valid (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i({valid_i, last_i}), .q_o({valid, last})
  );

  fp_accumulate #(.PARTIALS(PARTIALS), .ADD_LATENCY(ADD_LATENCY)) u_accumulate (
    .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(valid), .last_i(last), .x_i(total),
    .valid_o(valid_o), .y_o(y_o)
  );
endmodule

`default_nettype wire
