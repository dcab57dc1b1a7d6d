// 1/x of a float32, as docs/machine.md defines it: 256 quadratics in integers, one rounding, subnormals kept.
//
//   LATENCY    1 or more: y_o belongs to the number of LATENCY cycles before; one result per cycle
//   STYLE      of the table: "distributed" or "block" (block takes a LATENCY of 9 or more)
//
//   unpack │ normalise │ table │ c2·s │ slope │ slope·s │ sum │ shift │ round │
//   A smaller LATENCY spreads its registers evenly over these nine places, the last one always among them; a larger one
//   adds to the last.
`default_nettype none

module fp_reciprocal #(
  parameter LATENCY = 9,
  parameter STYLE   = "distributed"
) (
  input  logic        clk_i,
  input  logic [31:0] x_i,
  output logic [31:0] y_o
);
  localparam STEPS = 9;
  localparam SPREAD = LATENCY < STEPS ? LATENCY : STEPS;
  localparam AFTER_UNPACK    = SPREAD / STEPS;
  localparam AFTER_NORMALISE = 2 * SPREAD / STEPS - SPREAD / STEPS;
  localparam AFTER_TABLE     = 3 * SPREAD / STEPS - 2 * SPREAD / STEPS;
  localparam AFTER_CURVE     = 4 * SPREAD / STEPS - 3 * SPREAD / STEPS;
  localparam AFTER_SLOPE     = 5 * SPREAD / STEPS - 4 * SPREAD / STEPS;
  localparam AFTER_PRODUCT   = 6 * SPREAD / STEPS - 5 * SPREAD / STEPS;
  localparam AFTER_SUM       = 7 * SPREAD / STEPS - 6 * SPREAD / STEPS;
  localparam AFTER_SHIFT     = 8 * SPREAD / STEPS - 7 * SPREAD / STEPS;
  localparam AT_END          = LATENCY - 8 * SPREAD / STEPS;

  // ---- Unpack
  logic       subnormal, zero;
  logic [4:0] zeros;

  fp_leading_zeros #(.WIDTH(23)) u_zeros (.d_i(x_i[22:0]), .count_o(zeros), .none_o(zero));

  assign subnormal = ~|x_i[30:23];

  logic        subnormal_q, zero_q;
  logic [4:0]  zeros_q;
  logic [31:0] x_q;

  delay #(.WIDTH(39), .CYCLES(AFTER_UNPACK)) u_unpack (
    .clk_i(clk_i), .d_i({subnormal, zero, zeros, x_i}), .q_o({subnormal_q, zero_q, zeros_q, x_q})
  );

  // ---- Normalise: `exponent` is the field, which is 0 and below for subnormals
  logic        nan, is_infinite, is_zero;
  logic [9:0]  exponent;
  logic [22:0] mantissa;

  always_comb begin
    nan = (&x_q[30:23]) & !zero_q;
    is_infinite = &x_q[30:23];
    is_zero = subnormal_q & zero_q;
    exponent = {2'b0, x_q[30:23]};
    mantissa = x_q[22:0];
    if (subnormal_q) begin
      exponent = -{5'b0, zeros_q};
      mantissa = {x_q[21:0] << zeros_q, 1'b0};
    end
  end

  logic        sign_n, nan_n, infinite_n, zero_n;
  logic [9:0]  exponent_n;
  logic [22:0] mantissa_n;

  delay #(.WIDTH(37), .CYCLES(AFTER_NORMALISE)) u_normalise (
    .clk_i(clk_i), .d_i({x_q[31], nan, is_infinite, is_zero, exponent, mantissa}),
    .q_o({sign_n, nan_n, infinite_n, zero_n, exponent_n, mantissa_n})
  );

  // ---- Table: the upper 8 bits choose, the lower 15, less their middle, are s
  logic [7:0]  entry, late_entry;
  logic [29:0] c0;
  logic [20:0] c1;
  logic [11:0] c2;
  logic [14:0] s_t;

  assign entry = mantissa_n[22:15];

  delay #(.WIDTH(8), .CYCLES(AFTER_TABLE + AFTER_CURVE)) u_late (.clk_i(clk_i), .d_i(entry), .q_o(late_entry));

  fp_reciprocal_table #(.REGISTER(AFTER_TABLE), .LATE_REGISTER(AFTER_SLOPE), .STYLE(STYLE)) u_table (
    .clk_i(clk_i), .entry_i(entry), .c1_o(c1), .c2_o(c2), .late_entry_i(late_entry), .c0_o(c0)
  );
  delay #(.WIDTH(15), .CYCLES(AFTER_TABLE)) u_table_s (
    .clk_i(clk_i), .d_i({!mantissa_n[14], mantissa_n[13:0]}), .q_o(s_t)
  );

  // ---- Quadratic. c1 is negative; its sign is not stored.
  logic [30:0] y;

  fp_quadratic #(
    .C0_BITS(30), .C1_BITS(22), .C2_BITS(12), .S_BITS(15), .Y_BITS(31), .SHIFT_2(14), .SHIFT_1(14),
    .AFTER_CURVE(AFTER_CURVE), .AFTER_SLOPE(AFTER_SLOPE), .AFTER_PRODUCT(AFTER_PRODUCT), .AFTER_SUM(AFTER_SUM)
  ) u_quadratic (
    .clk_i(clk_i), .c0_i(c0), .c1_i({1'b1, c1}), .c2_i(c2), .s_i(s_t), .y_o(y)
  );

  // ---- Meanwhile, the exponent field less the leading one. Arguments from 2^126 on have subnormal results, of field 0,
  // by one place or two further down; those below 2^-128 have none, and of infinity nothing is left.
  localparam [1:0] STAY = 2'd0, DOWN_ONE = 2'd1, DOWN_TWO = 2'd2, CLEAR = 2'd3;

  logic       overflow;
  logic [1:0] place;
  logic [9:0] lead;

  always_comb begin
    lead = 10'd252 - exponent_n;
    overflow = zero_n | (!lead[9] & lead[8]);
    place = STAY;
    if (exponent_n == 10'd253) place = DOWN_ONE;
    if (exponent_n == 10'd254) place = DOWN_TWO;
    if (infinite_n) place = CLEAR;
  end

  logic       sign_p, nan_p, overflow_p;
  logic [1:0] place_p;
  logic [7:0] lead_p;

  delay #(.WIDTH(13), .CYCLES(AFTER_TABLE + AFTER_CURVE + AFTER_SLOPE + AFTER_PRODUCT)) u_along (
    .clk_i(clk_i), .d_i({sign_n, nan_n, overflow, place, lead[7:0]}), .q_o({sign_p, nan_p, overflow_p, place_p, lead_p})
  );

  logic       sign_y, nan_y, down_one_y, down_two_y, clear_y;
  logic [7:0] base_p, base_y;

  assign base_p = place_p == STAY ? lead_p | {8{overflow_p}} : 8'd0;

  delay #(.WIDTH(13), .CYCLES(AFTER_SUM)) u_prepare (
    .clk_i(clk_i), .d_i({sign_p, nan_p, place_p == DOWN_ONE, place_p == DOWN_TWO, place_p == CLEAR, base_p}),
    .q_o({sign_y, nan_y, down_one_y, down_two_y, clear_y, base_y})
  );

  // ---- Shift
  logic [26:0] significand;

  always_comb begin
    significand = {y[30:5], |y[4:0]};
    if (down_one_y) significand = {1'b0, y[30:6], |y[5:0]};
    if (down_two_y) significand = {2'b0, y[30:7], |y[6:0]};
    if (clear_y) significand = 0;
  end

  logic        up, up_two, sign_s, nan_s, up_s, up_two_s;
  logic [7:0]  base_s;
  logic [24:0] significand_s;

  fp_up u_up (.low_i(significand[3:0]), .up_o(up), .up_two_o(up_two));

  delay #(.WIDTH(37), .CYCLES(AFTER_SHIFT)) u_shift (
    .clk_i(clk_i), .d_i({sign_y, nan_y, up, up_two, base_y, significand[26:2]}),
    .q_o({sign_s, nan_s, up_s, up_two_s, base_s, significand_s})
  );

  // ---- Round
  logic [31:0] result;

  fp_pack #(.EXP(8), .MAN(23)) u_pack (
    .sign_i(sign_s), .base_i(base_s), .significand_i(significand_s), .up_i(up_s), .up_two_i(up_two_s),
    .infinite_i(1'b0), .nan_i(nan_s), .y_o(result)
  );

  delay #(.WIDTH(32), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(result), .q_o(y_o));
endmodule

`default_nettype wire
