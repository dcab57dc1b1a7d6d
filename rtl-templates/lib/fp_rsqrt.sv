// 1/√x of a float32, as docs/machine.md defines it: 256 quadratics in integers and one rounding.
//
//   LATENCY    1 or more: y_o belongs to the number of LATENCY cycles before; one result per cycle
//   STYLE      of the table: "distributed" or "block" (block takes a LATENCY of 9 or more)
//
//   unpack │ normalise │ table │ c2·s │ slope │ slope·s │ sum │ clear │ round │
//   A smaller LATENCY spreads its registers evenly over these nine places, the last one always among them; a larger one
//   adds to the last.
`default_nettype none

module fp_rsqrt #(
  parameter LATENCY = 10,
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
  localparam AFTER_CLEAR     = 8 * SPREAD / STEPS - 7 * SPREAD / STEPS;
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

  // ---- Normalise. The exponent field, 0 and below for subnormals, is halved for the result: base = 125 − ⌊(E − 127)/2⌋.
  logic        nan, is_zero, is_infinite, odd;
  logic [9:0]  exponent;
  logic [8:0]  base;
  logic [22:0] mantissa;
  logic        unused;

  always_comb begin
    is_zero = subnormal_q & zero_q;
    is_infinite = &x_q[30:23];
    nan = is_infinite ? !zero_q | x_q[31] : x_q[31] & !is_zero;
    exponent = {2'b0, x_q[30:23]};
    mantissa = x_q[22:0];
    if (subnormal_q) begin
      exponent = -{5'b0, zeros_q};
      mantissa = {x_q[21:0] << zeros_q, 1'b0};
    end
    // The bias is odd: an even field is an odd exponent. ⌊(E − 127)/2⌋ = ⌊(E + 1)/2⌋ − 64
    odd = !exponent[0];
    base = 9'd189 - exponent[9:1] - {8'b0, exponent[0]};
    unused = base[8];
  end

  logic        nan_n, infinite_n, zero_n, odd_n;
  logic [7:0]  base_n;
  logic [22:0] mantissa_n;

  delay #(.WIDTH(35), .CYCLES(AFTER_NORMALISE)) u_normalise (
    .clk_i(clk_i), .d_i({nan, is_infinite, is_zero, odd, base[7:0], mantissa}),
    .q_o({nan_n, infinite_n, zero_n, odd_n, base_n, mantissa_n})
  );

  // ---- Table: parity and the upper 7 bits choose, the lower 16, less their middle, are s
  logic [7:0]  entry, late_entry;
  logic [29:0] c0;
  logic [20:0] c1;
  logic [11:0] c2;
  logic [15:0] s_t;

  assign entry = {odd_n, mantissa_n[22:16]};

  delay #(.WIDTH(8), .CYCLES(AFTER_TABLE + AFTER_CURVE)) u_late (.clk_i(clk_i), .d_i(entry), .q_o(late_entry));

  fp_rsqrt_table #(.REGISTER(AFTER_TABLE), .LATE_REGISTER(AFTER_SLOPE), .STYLE(STYLE)) u_table (
    .clk_i(clk_i), .entry_i(entry), .c1_o(c1), .c2_o(c2), .late_entry_i(late_entry), .c0_o(c0)
  );
  delay #(.WIDTH(16), .CYCLES(AFTER_TABLE)) u_table_s (
    .clk_i(clk_i), .d_i({!mantissa_n[15], mantissa_n[14:0]}), .q_o(s_t)
  );

  // ---- Quadratic. c1 is negative; its sign is not stored.
  logic [30:0] y;

  fp_quadratic #(
    .C0_BITS(30), .C1_BITS(22), .C2_BITS(12), .S_BITS(16), .Y_BITS(31), .SHIFT_2(14), .SHIFT_1(15),
    .AFTER_CURVE(AFTER_CURVE), .AFTER_SLOPE(AFTER_SLOPE), .AFTER_PRODUCT(AFTER_PRODUCT), .AFTER_SUM(AFTER_SUM)
  ) u_quadratic (
    .clk_i(clk_i), .c0_i(c0), .c1_i({1'b1, c1}), .c2_i(c2), .s_i(s_t), .y_o(y)
  );

  logic       nan_y, infinite_y, zero_y;
  logic [7:0] base_y;

  delay #(
    .WIDTH(11), .CYCLES(AFTER_TABLE + AFTER_CURVE + AFTER_SLOPE + AFTER_PRODUCT + AFTER_SUM)
  ) u_along (
    .clk_i(clk_i), .d_i({nan_n, infinite_n, zero_n, base_n}), .q_o({nan_y, infinite_y, zero_y, base_y})
  );

  // ---- Clear what an infinity has; zero has the field of infinity
  logic        up, up_two, nan_c, up_c, up_two_c;
  logic [7:0]  base_c;
  logic [24:0] significand_c;
  logic [7:0]  field;
  logic [26:0] significand;

  assign field = infinite_y ? 8'd0 : base_y | {8{zero_y}};
  assign significand = infinite_y ? 27'd0 : {y[30:5], |y[4:0]};

  fp_up u_up (.low_i(significand[3:0]), .up_o(up), .up_two_o(up_two));

  delay #(.WIDTH(36), .CYCLES(AFTER_CLEAR)) u_clear (
    .clk_i(clk_i), .d_i({nan_y, up, up_two, field, significand[26:2]}),
    .q_o({nan_c, up_c, up_two_c, base_c, significand_c})
  );

  // ---- Round. No result is subnormal.
  logic [31:0] result;

  fp_pack #(.EXP(8), .MAN(23)) u_pack (
    .sign_i(1'b0), .base_i(base_c), .significand_i(significand_c), .up_i(up_c), .up_two_i(up_two_c),
    .infinite_i(1'b0), .nan_i(nan_c), .y_o(result)
  );

  delay #(.WIDTH(32), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(result), .q_o(y_o));
endmodule

`default_nettype wire
