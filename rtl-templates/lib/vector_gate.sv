// Gate of two lanes: f(g)·u, f being silu or the square of the positive part. Lends the lanes' multipliers.
//
//   MULTIPLY, ADD, EXP, RECIPROCAL   latencies of the operators
//   STYLE                            "distributed" or "block": of the functions' tables
//
// y_*_i brings g and u in turn (up_i low, high), without a pause inside an instruction. Since a pair takes two cycles,
// the two lanes share one chain exp(−g) → 1 + · → reciprocal, the odd lane one cycle after the even one:
//
//   cycle                0      1      2      …   K = ADD + EXP + RECIPROCAL
//   y_even_i             g0     u0     g1
//   exp's argument              even0  odd0
//   inverse                                   K+1: even0   K+2: odd0
//   left_*_o, right_*_o                       K+3: g, inverse (or twice the positive part)
//   product_*_i                               K+MULTIPLY+4: f(g), kept to the next free cycle of the multiplier:
//   left_*_o, right_*_o                       K+6+2·⌊MULTIPLY/2⌋: f(g), u, and MULTIPLY + 1 later …
//   product_*_i                               K+7+2·⌊MULTIPLY/2⌋+MULTIPLY: the result
//
// The lanes register left and right once before they multiply them.
`default_nettype none

module vector_gate #(
  parameter MULTIPLY   = 3,
  parameter ADD        = 4,
  parameter EXP        = 10,
  parameter RECIPROCAL = 9,
  parameter STYLE      = "distributed"
) (
  input  logic        clk_i,
  input  logic        relu2_i,
  input  logic        up_i,
  input  logic [31:0] y_even_i,
  input  logic [31:0] y_odd_i,
  input  logic [31:0] product_even_i,
  input  logic [31:0] product_odd_i,
  output logic [31:0] left_even_o,
  output logic [31:0] left_odd_o,
  output logic [31:0] right_even_o,
  output logic [31:0] right_odd_o
);
  localparam [31:0] ONE = 32'h3f800000;
  localparam CHAIN = ADD + EXP + RECIPROCAL;
  // The first product comes back in a cycle of u (MULTIPLY odd) or has to wait for one.
  localparam HOLD = MULTIPLY % 2 == 0 ? 1 : 0;

  logic [31:0] odd_q, argument_q, exponential, denominator, inverse, inverse_q;

  always_ff @(posedge clk_i) begin
    odd_q      <= y_odd_i;
    argument_q <= up_i ? {~odd_q[31], odd_q[30:0]} : {~y_even_i[31], y_even_i[30:0]};
    inverse_q  <= inverse;
  end

  fp_exp #(.LATENCY(EXP), .STYLE(STYLE)) u_exp (.clk_i(clk_i), .x_i(argument_q), .y_o(exponential));
  fp_add #(.LATENCY(ADD)) u_add (
    .clk_i(clk_i), .a_i(exponential), .b_i(ONE), .subtract_i(1'b0), .y_o(denominator)
  );
  fp_reciprocal #(.LATENCY(RECIPROCAL), .STYLE(STYLE)) u_reciprocal (
    .clk_i(clk_i), .x_i(denominator), .y_o(inverse)
  );

  // Both lanes' inverses are there in the second cycle: the even one's kept, the odd one's fresh.
  logic        up_late;  // u and f(g) are there
  logic [31:0] y_even_late, y_odd_late, up_even, up_odd, first_even, first_odd;
  logic [31:0] positive_even, positive_odd;
  logic [31:0] left_even_q, left_odd_q, right_even_q, right_odd_q;

  delay #(.WIDTH(1), .CYCLES(CHAIN + MULTIPLY + 3 + HOLD)) u_phase (.clk_i(clk_i), .d_i(up_i), .q_o(up_late));
  delay #(.WIDTH(64), .CYCLES(CHAIN + 2)) u_late (
    .clk_i(clk_i), .d_i({y_even_i, y_odd_i}), .q_o({y_even_late, y_odd_late})
  );
  delay #(.WIDTH(64), .CYCLES(MULTIPLY + 1 + HOLD)) u_up (
    .clk_i(clk_i), .d_i({y_even_late, y_odd_late}), .q_o({up_even, up_odd})
  );
  delay #(.WIDTH(64), .CYCLES(HOLD)) u_first (
    .clk_i(clk_i), .d_i({product_even_i, product_odd_i}), .q_o({first_even, first_odd})
  );

  // The one NaN has no sign and so stays one.
  assign positive_even = relu2_i && y_even_late[31] ? 32'd0 : y_even_late;
  assign positive_odd  = relu2_i && y_odd_late[31] ? 32'd0 : y_odd_late;

  always_ff @(posedge clk_i) begin
    left_even_q  <= up_late ? first_even : positive_even;
    left_odd_q   <= up_late ? first_odd : positive_odd;
    right_even_q <= up_late ? up_even : relu2_i ? positive_even : inverse_q;
    right_odd_q  <= up_late ? up_odd : relu2_i ? positive_odd : inverse;
  end

  assign left_even_o  = left_even_q;
  assign left_odd_o   = left_odd_q;
  assign right_even_o = right_even_q;
  assign right_odd_o  = right_odd_q;
endmodule

`default_nettype wire
