// The row's factors, from its square sum and its largest magnitude: one multiplier, adder, root and reciprocal in turn.
//
//   MULTIPLY, ADD, RSQRT, RECIPROCAL   latencies of the operators
//   STYLE                              "distributed" or "block": of the functions' tables
//
//   root    r = rsqrt(sum·(1/n) + epsilon), from cycle MULTIPLY + ADD + RSQRT + 2 after sum_valid_i on
//   a       = max(largest·r, 1e-5)
//   scale   = a·(1/levels), with scale_valid_o
//   factor  = (levels·r)·reciprocal(a), from cycle 3·MULTIPLY + ADD + RSQRT + RECIPROCAL + 5 on
//
// Quantising (finite_i), infinities become the largest number and NaN 0; without normalisation r is 1. root and factor
// stand until the next row's. A row's last factor is there before the next row's sum comes.
`default_nettype none

module vector_scale #(
  parameter MULTIPLY   = 3,
  parameter ADD        = 4,
  parameter RSQRT      = 10,
  parameter RECIPROCAL = 9,
  parameter STYLE      = "distributed"
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        finite_i,
  input  logic        normalise_i,
  input  logic        wide_i,
  input  logic [31:0] inverse_elements_i,
  input  logic [31:0] epsilon_i,
  input  logic        sum_valid_i,
  input  logic [31:0] sum_i,
  input  logic [31:0] largest_i,     // of the row, not negative
  output logic [31:0] root_o,
  output logic        scale_valid_o,
  output logic [31:0] scale_o,
  output logic [31:0] factor_o
);
  localparam [31:0] ONE      = 32'h3f800000;
  localparam [31:0] SMALLEST = 32'h3727c5ac;  // 1e-5
  localparam [31:0] LARGEST  = 32'h7f7fffff;

  // What the row has come to: `*_now` is high for one cycle each, in this order.
  logic root_now, levels_now, magnitude_now, divisor_now, quotient_now, factor_now;

  delay_valid #(.CYCLES(1 + MULTIPLY + ADD + RSQRT)) u_root_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(sum_valid_i), .q_o(root_now)
  );
  delay_valid #(.CYCLES(1)) u_levels_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(root_now), .q_o(levels_now)
  );
  delay_valid #(.CYCLES(MULTIPLY)) u_magnitude_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(levels_now), .q_o(magnitude_now)
  );
  delay_valid #(.CYCLES(1)) u_divisor_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(magnitude_now), .q_o(divisor_now)
  );
  delay_valid #(.CYCLES(1 + MULTIPLY)) u_scale_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(divisor_now), .q_o(scale_valid_o)
  );
  delay_valid #(.CYCLES(RECIPROCAL)) u_quotient_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(divisor_now), .q_o(quotient_now)
  );
  delay_valid #(.CYCLES(1 + MULTIPLY)) u_factor_now (
    .clk_i(clk_i), .rst_ni(rst_ni), .d_i(quotient_now), .q_o(factor_now)
  );

  logic [31:0] left_q, right_q, product, mean, root, finite_root, quotient;
  logic [31:0] root_q, divisor_q, levels_root_q, factor_q;
  logic [31:0] levels, inverse_levels, used_root;

  assign levels         = wide_i ? 32'h46fe0000 : 32'h42fe0000;  // 32512, 127
  assign inverse_levels = wide_i ? 32'h38010204 : 32'h3c010204;  // their inverses
  assign used_root      = normalise_i ? finite_root : ONE;

  fp_mul #(.LATENCY(MULTIPLY)) u_multiply (.clk_i(clk_i), .a_i(left_q), .b_i(right_q), .y_o(product));
  fp_add #(.LATENCY(ADD)) u_add (
    .clk_i(clk_i), .a_i(product), .b_i(epsilon_i), .subtract_i(1'b0), .y_o(mean)
  );
  fp_rsqrt #(.LATENCY(RSQRT), .STYLE(STYLE)) u_rsqrt (.clk_i(clk_i), .x_i(mean), .y_o(root));
  vector_finite u_finite (.a_i(root), .y_o(finite_root));
  fp_reciprocal #(.LATENCY(RECIPROCAL), .STYLE(STYLE)) u_reciprocal (
    .clk_i(clk_i), .x_i(divisor_q), .y_o(quotient)
  );

  always_ff @(posedge clk_i) begin
    if (sum_valid_i) begin
      left_q  <= sum_i;
      right_q <= inverse_elements_i;
    end
    if (root_now) begin
      root_q  <= finite_i ? used_root : root;
      left_q  <= largest_i;
      right_q <= used_root;
    end
    if (levels_now) left_q <= levels;  // times the root, still on the right
    if (magnitude_now) begin
      // Neither is negative, so they compare as integers; an infinity becomes the largest number.
      divisor_q <= product < SMALLEST ? SMALLEST : product > LARGEST ? LARGEST : product;
    end
    if (divisor_now) begin
      levels_root_q <= product;
      left_q        <= divisor_q;
      right_q       <= inverse_levels;
    end
    if (quotient_now) begin
      left_q  <= levels_root_q;
      right_q <= quotient;
    end
    if (factor_now) factor_q <= product;
  end

  assign root_o   = root_q;
  assign scale_o  = product;
  assign factor_o = factor_q;
endmodule

`default_nettype wire
