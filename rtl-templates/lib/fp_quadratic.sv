// The common part of the table functions: y = c0 + (c1 + c2·s)·s in integers, every product cut off by a shift.
//
//   slope = c1 + (c2·s >>> SHIFT_2), rounded to nearest with ROUND_2
//   y     = c0 + (slope·s >>> SHIFT_1), and + s with ADD_S
//
//   C0_BITS, C2_BITS       of the coefficients, unsigned
//   C1_BITS, S_BITS        signed; the slope has C1_BITS as well
//   Y_BITS                 of the result, unsigned
//   AFTER_…                1: a register there, 0: none; each product is one DSP48E2 (27 × 18 bits, signed)
//
// c0_i is wanted later than the others, together with the slope.
`default_nettype none

module fp_quadratic #(
  parameter C0_BITS       = 30,
  parameter C1_BITS       = 22,
  parameter C2_BITS       = 12,
  parameter S_BITS        = 15,
  parameter Y_BITS        = 31,
  parameter SHIFT_2       = 14,
  parameter ROUND_2       = 0,
  parameter SHIFT_1       = 14,
  parameter ADD_S         = 0,
  parameter AFTER_CURVE   = 1,
  parameter AFTER_SLOPE   = 1,
  parameter AFTER_PRODUCT = 1,
  parameter AFTER_SUM     = 1
) (
  input  logic               clk_i,
  input  logic [C0_BITS-1:0] c0_i,
  input  logic [C1_BITS-1:0] c1_i,
  input  logic [C2_BITS-1:0] c2_i,
  input  logic [S_BITS-1:0]  s_i,
  output logic [Y_BITS-1:0]  y_o
);
  localparam CURVE   = C2_BITS + 1 + S_BITS;
  localparam PRODUCT = C1_BITS + S_BITS;
  localparam START   = C0_BITS + 1;
  localparam signed [CURVE-1:0] HALF = ROUND_2 ? {{(CURVE-SHIFT_2){1'b0}}, 1'b1, {(SHIFT_2-1){1'b0}}} : {CURVE{1'b0}};

  // ---- c2·s
  logic signed [CURVE-1:0]   curve, curve_q;
  logic        [C1_BITS-1:0] c1_q;
  logic        [S_BITS-1:0]  s_q;

  assign curve = $signed({1'b0, c2_i}) * $signed(s_i);

  delay #(.WIDTH(CURVE), .CYCLES(AFTER_CURVE)) u_curve (.clk_i(clk_i), .d_i(curve), .q_o(curve_q));
  delay #(.WIDTH(C1_BITS + S_BITS), .CYCLES(AFTER_CURVE)) u_curve_rest (
    .clk_i(clk_i), .d_i({c1_i, s_i}), .q_o({c1_q, s_q})
  );

  // ---- Slope
  logic signed [CURVE-1:0]   curve_rounded;
  logic signed [C1_BITS-1:0] slope, slope_q;
  logic        [S_BITS-1:0]  s_slope_q;
  logic                      unused_curve;

  assign curve_rounded = curve_q + HALF;
  assign slope = $signed(c1_q) + {{(C1_BITS-CURVE+SHIFT_2){curve_rounded[CURVE-1]}}, curve_rounded[CURVE-1:SHIFT_2]};
  assign unused_curve = |curve_rounded[SHIFT_2-1:0];

  delay #(.WIDTH(C1_BITS + S_BITS), .CYCLES(AFTER_SLOPE)) u_slope (
    .clk_i(clk_i), .d_i({slope, s_q}), .q_o({slope_q, s_slope_q})
  );

  // ---- Slope times s
  logic signed [PRODUCT-1:0] product, product_q;
  logic        [START-1:0]   start, start_q;      // c0, and s with it where that is wanted

  assign product = slope_q * $signed(s_slope_q);

  generate
    if (ADD_S == 1) begin : g_add_s
      assign start = {1'b0, c0_i} + {{(START-S_BITS){s_slope_q[S_BITS-1]}}, s_slope_q};
    end else begin : g_no_s
      assign start = {1'b0, c0_i};
    end
  endgenerate

  delay #(.WIDTH(PRODUCT), .CYCLES(AFTER_PRODUCT)) u_product (.clk_i(clk_i), .d_i(product), .q_o(product_q));
  delay #(.WIDTH(START), .CYCLES(AFTER_PRODUCT)) u_product_rest (.clk_i(clk_i), .d_i(start), .q_o(start_q));

  // ---- Sum
  logic [START-1:0] sum;
  logic             unused_product;

  assign sum = start_q + {{(START-PRODUCT+SHIFT_1){product_q[PRODUCT-1]}}, product_q[PRODUCT-1:SHIFT_1]};
  assign unused_product = |{product_q[SHIFT_1-1:0], sum};

  delay #(.WIDTH(Y_BITS), .CYCLES(AFTER_SUM)) u_sum (.clk_i(clk_i), .d_i(sum[Y_BITS-1:0]), .q_o(y_o));
endmodule

`default_nettype wire
