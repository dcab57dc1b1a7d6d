// eˣ of a float32, as docs/machine.md defines it: 2^k·2^f with 256 quadratics for 2^f, in integers, one rounding,
// subnormals kept.
//
//   LATENCY    1 or more: y_o belongs to the number of LATENCY cycles before; one result per cycle
//   STYLE      of the table: "distributed" or "block" (block takes a LATENCY of 10 or more)
//
//   products │ add │ add │ align │ negate │ table │ c2·s, slope │ slope·s, sum │ shift │ round │
//   A smaller LATENCY spreads its registers evenly over these ten places, the last one always among them; a larger one
//   adds to the last.
`default_nettype none

module fp_exp #(
  parameter LATENCY = 10,
  parameter STYLE   = "distributed"
) (
  input  logic        clk_i,
  input  logic [31:0] x_i,
  output logic [31:0] y_o
);
  localparam STEPS = 10;
  localparam SPREAD = LATENCY < STEPS ? LATENCY : STEPS;
  localparam AFTER_MULTIPLY = SPREAD / STEPS;
  localparam AFTER_PARTS    = 2 * SPREAD / STEPS - SPREAD / STEPS;
  localparam AFTER_LOG      = 3 * SPREAD / STEPS - 2 * SPREAD / STEPS;
  localparam AFTER_ALIGN    = 4 * SPREAD / STEPS - 3 * SPREAD / STEPS;
  localparam AFTER_NEGATE   = 5 * SPREAD / STEPS - 4 * SPREAD / STEPS;
  localparam AFTER_TABLE    = 6 * SPREAD / STEPS - 5 * SPREAD / STEPS;
  localparam AFTER_SLOPE    = 7 * SPREAD / STEPS - 6 * SPREAD / STEPS;
  localparam AFTER_SUM      = 8 * SPREAD / STEPS - 7 * SPREAD / STEPS;
  localparam AFTER_SHIFT    = 9 * SPREAD / STEPS - 8 * SPREAD / STEPS;
  localparam AT_END         = LATENCY - 9 * SPREAD / STEPS;

  // log2(e) − 1 = (UPPER·2^17 + LOWER)·2^-35
  localparam [16:0] LOG_UPPER = 17'd116049;
  localparam [16:0] LOG_LOWER = 17'd111254;

  // ---- Multiply the significand by log2(e). `distance` shifts the product, less 5 bits, to 30 fraction bits.
  logic        nan, overflow, underflow;
  logic [7:0]  distance;
  logic [23:0] mantissa;
  logic [40:0] upper, lower;

  always_comb begin
    mantissa = {1'b1, x_i[22:0]};
    upper = mantissa * LOG_UPPER;
    lower = mantissa * LOG_LOWER;
    // |x| of 128 and more
    nan = (&x_i[30:23]) & (|x_i[22:0]);
    overflow = (x_i[30:23] >= 8'd134) & !x_i[31];
    underflow = (x_i[30:23] >= 8'd134) & x_i[31];
    distance = 8'd133 - x_i[30:23];
  end

  logic        sign_m, nan_m, overflow_m, underflow_m;
  logic [7:0]  distance_m;
  logic [23:0] mantissa_m;
  logic [40:0] upper_m, lower_m;
  logic        unused_low;

  delay #(.WIDTH(41), .CYCLES(AFTER_MULTIPLY)) u_upper (.clk_i(clk_i), .d_i(upper), .q_o(upper_m));
  delay #(.WIDTH(41), .CYCLES(AFTER_MULTIPLY)) u_lower (.clk_i(clk_i), .d_i(lower), .q_o(lower_m));
  delay #(.WIDTH(36), .CYCLES(AFTER_MULTIPLY)) u_multiply (
    .clk_i(clk_i), .d_i({x_i[31], nan, overflow, underflow, distance, mantissa}),
    .q_o({sign_m, nan_m, overflow_m, underflow_m, distance_m, mantissa_m})
  );

  assign unused_low = |{lower_m[16:0], log_s[4:0]};

  // ---- Their sum with the significand itself, significand·2^18 + upper + lower·2^-17, in two parts: below bit 18, and
  // from there on
  logic        sign_p, nan_p, overflow_p, underflow_p, carry_p;
  logic [7:0]  distance_p;
  logic [17:0] below, below_p;
  logic [24:0] above, above_p;
  logic [5:0]  rest_p;
  logic        carry;

  assign {carry, below} = {1'b0, upper_m[17:0]} + {1'b0, lower_m[34:17]};
  assign above = {1'b0, mantissa_m} + {2'b0, upper_m[40:18]};

  delay #(.WIDTH(62), .CYCLES(AFTER_PARTS)) u_parts (
    .clk_i(clk_i),
    .d_i({sign_m, nan_m, overflow_m, underflow_m, distance_m, carry, below, above, lower_m[40:35]}),
    .q_o({sign_p, nan_p, overflow_p, underflow_p, distance_p, carry_p, below_p, above_p, rest_p})
  );

  logic [24:0] log_p;
  logic        log_unused;
  logic [42:0] log_s;
  logic        sign_s, nan_s, overflow_s, underflow_s;
  logic [5:0]  amount, amount_s;

  // Shifts of 38 and more leave nothing.
  assign amount = distance_p[5:0] | {6{|distance_p[7:6]}};
  assign {log_p, log_unused} = {above_p, 1'b1} + {19'b0, rest_p, carry_p};

  delay #(.WIDTH(53), .CYCLES(AFTER_LOG)) u_log (
    .clk_i(clk_i), .d_i({sign_p, nan_p, overflow_p, underflow_p, amount, log_p, below_p}),
    .q_o({sign_s, nan_s, overflow_s, underflow_s, amount_s, log_s})
  );

  // ---- Align: k above 30 bits of f, complemented for a negative argument. Of small arguments nothing is left; those of
  // 128 and more do not count.
  logic [37:0] aligned, aligned_a;
  logic        sign_a, nan_a, overflow_a, underflow_a;

  assign aligned = (log_s[42:5] >> amount_s) ^ {38{sign_s}};

  delay #(.WIDTH(42), .CYCLES(AFTER_ALIGN)) u_align (
    .clk_i(clk_i), .d_i({sign_s, nan_s, overflow_s, underflow_s, aligned}),
    .q_o({sign_a, nan_a, overflow_a, underflow_a, aligned_a})
  );

  // ---- Negate
  logic [38:0] turns;
  logic        carry_unused, nan_n, overflow_n, underflow_n;
  logic [8:0]  k_n;
  logic [29:0] f_n;

  assign {turns, carry_unused} = {sign_a, aligned_a, 1'b1} + {39'b0, sign_a};

  delay #(.WIDTH(42), .CYCLES(AFTER_NEGATE)) u_negate (
    .clk_i(clk_i), .d_i({nan_a, overflow_a, underflow_a, turns}), .q_o({nan_n, overflow_n, underflow_n, k_n, f_n})
  );

  // ---- Table: the upper 8 bits choose, the lower 22, less their middle, are s
  logic [7:0]  entry, late_entry;
  logic [30:0] c0;
  logic [17:0] c1;
  logic [10:0] c2;
  logic [21:0] s_t;

  assign entry = f_n[29:22];

  delay #(.WIDTH(8), .CYCLES(AFTER_TABLE)) u_late (.clk_i(clk_i), .d_i(entry), .q_o(late_entry));

  fp_exp_table #(.REGISTER(AFTER_TABLE), .LATE_REGISTER(AFTER_SLOPE), .STYLE(STYLE)) u_table (
    .clk_i(clk_i), .entry_i(entry), .c1_o(c1), .c2_o(c2), .late_entry_i(late_entry), .c0_o(c0)
  );
  delay #(.WIDTH(22), .CYCLES(AFTER_TABLE)) u_table_s (.clk_i(clk_i), .d_i({!f_n[21], f_n[20:0]}), .q_o(s_t));

  // ---- Quadratic: 30 fraction bits, 1…2
  logic [31:0] y;

  fp_quadratic #(
    .C0_BITS(31), .C1_BITS(18), .C2_BITS(11), .S_BITS(22), .Y_BITS(32), .SHIFT_2(24), .ROUND_2(1), .SHIFT_1(18),
    .ADD_S(1), .AFTER_CURVE(0), .AFTER_SLOPE(AFTER_SLOPE), .AFTER_PRODUCT(0), .AFTER_SUM(AFTER_SUM)
  ) u_quadratic (
    .clk_i(clk_i), .c0_i(c0), .c1_i(c1), .c2_i(c2), .s_i(s_t), .y_o(y)
  );

  // ---- Meanwhile, exponent field and shift: results below 2^-126 have field 0 and move down
  logic       tiny, huge;
  logic [8:0] lead;

  always_comb begin
    // Field less the leading one, k + 126: below 0, or past the largest
    lead = k_n + 9'd126;
    tiny = k_n[8] & lead[8];
    huge = !k_n[8] & lead[8];
  end

  logic       nan_q, overflow_q, underflow_q, tiny_q;
  logic [7:0] lead_q;

  delay #(.WIDTH(12), .CYCLES(AFTER_TABLE + AFTER_SLOPE)) u_along (
    .clk_i(clk_i), .d_i({nan_n, overflow_n | huge, underflow_n, tiny, lead[7:0]}),
    .q_o({nan_q, overflow_q, underflow_q, tiny_q, lead_q})
  );

  logic       down, nan_y, down_y;
  logic [4:0] amount_q, amount_y;
  logic [7:0] base, base_y;

  always_comb begin
    // The complement of the field is one less than the shift: the first place of `down` is always shifted.
    down = tiny_q | underflow_q;
    amount_q = tiny_q ? ~lead_q[4:0] : 5'd0;
    base = down ? 8'd0 : lead_q;
    // A shift that leaves nothing, a field that is infinity
    if (underflow_q | (tiny_q & !(lead_q[6] & lead_q[5]))) amount_q = 5'd31;
    if (overflow_q) base = 8'd255;
  end

  delay #(.WIDTH(15), .CYCLES(AFTER_SUM)) u_prepare (
    .clk_i(clk_i), .d_i({nan_q, down, amount_q, base}), .q_o({nan_y, down_y, amount_y, base_y})
  );

  // ---- Shift
  logic [26:0] significand, shifted;

  assign significand = down_y ? {1'b0, y[31:7], |y[6:0]} : {y[31:6], |y[5:0]};

  fp_shift_jam #(.WIDTH(27), .AMOUNT_BITS(5)) u_shift (.d_i(significand), .amount_i(amount_y), .q_o(shifted));

  logic        up, up_two, nan_r, up_r, up_two_r;
  logic [7:0]  base_r;
  logic [24:0] significand_r;

  fp_up u_up (.low_i(shifted[3:0]), .up_o(up), .up_two_o(up_two));

  delay #(.WIDTH(36), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({nan_y, up, up_two, base_y, shifted[26:2]}),
    .q_o({nan_r, up_r, up_two_r, base_r, significand_r})
  );

  // ---- Round
  logic [31:0] result;

  fp_pack #(.EXP(8), .MAN(23)) u_pack (
    .sign_i(1'b0), .base_i(base_r), .significand_i(significand_r), .up_i(up_r), .up_two_i(up_two_r),
    .infinite_i(1'b0), .nan_i(nan_r), .y_o(result)
  );

  delay #(.WIDTH(32), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(result), .q_o(y_o));
endmodule

`default_nettype wire
