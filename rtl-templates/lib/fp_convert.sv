// A float of one format as a float of another, rounded once to nearest even, subnormals kept, any NaN the one NaN.
//
//   EXP_I, MAN_I    exponent and fraction bits of x_i
//   EXP_O, MAN_O    exponent and fraction bits of y_o
//   LATENCY         0 (combinational) or more; one result per cycle
//
//   measure │ shift │ round │
//   registers: LATENCY 1  at the end    2  + after shift    3  + after measure    more: behind the last
`default_nettype none

module fp_convert #(
  parameter EXP_I   = 8,
  parameter MAN_I   = 23,
  parameter EXP_O   = 5,
  parameter MAN_O   = 10,
  parameter LATENCY = 3
) (
  input  logic                 clk_i,
  input  logic [EXP_I+MAN_I:0] x_i,
  output logic [EXP_O+MAN_O:0] y_o
);
  localparam AFTER_MEASURE = LATENCY >= 3 ? 1 : 0;
  localparam AFTER_SHIFT   = LATENCY >= 2 ? 1 : 0;
  localparam AT_END        = LATENCY - AFTER_MEASURE - AFTER_SHIFT;

  localparam EXP    = EXP_I > EXP_O ? EXP_I : EXP_O;
  localparam AMOUNT = EXP + 2;
  localparam LZ     = $clog2(MAN_I);
  localparam BIAS_I = (1 << (EXP_I - 1)) - 1;
  localparam BIAS_O = (1 << (EXP_O - 1)) - 1;
  localparam STEP     = BIAS_I - BIAS_O + 1;    // from the exponent field of x to that of y, less the leading one
  localparam FURTHEST = MAN_I + STEP;
  localparam WIDE   = MAN_I + MAN_O + 4;

  // ---- Measure. The significand is shifted right: by MAN_I it stays where it is, by less the leading one of a
  // subnormal moves up; the exponent field is then `lead`. A field below 0 becomes 0, and the shift is longer by that.
  logic              normal, sign, infinite, nan, zero;
  logic [AMOUNT-1:0] exponent, lead, amount;
  logic [EXP_O-1:0]  base;

  always_comb begin
    normal = |x_i[EXP_I+MAN_I-1:MAN_I];
    sign = x_i[EXP_I+MAN_I];
    infinite = &x_i[EXP_I+MAN_I-1:MAN_I];
    nan = infinite & |x_i[MAN_I-1:0];
    zero = ~|x_i[EXP_I+MAN_I-1:0];
    exponent = {{(AMOUNT-EXP_I){1'b0}}, x_i[EXP_I+MAN_I-1:MAN_I+1], x_i[MAN_I] | !normal};
  end

  generate
    if (EXP_O > EXP_I) begin : g_wider
      // Every subnormal becomes normal, and nothing is too small.
      logic          none_unused;
      logic [LZ-1:0] zeros;

      fp_leading_zeros #(.WIDTH(MAN_I)) u_zeros (.d_i(x_i[MAN_I-1:0]), .count_o(zeros), .none_o(none_unused));

      assign amount = normal ? MAN_I[AMOUNT-1:0] : MAN_I[AMOUNT-1:0] - 1'b1 - {{(AMOUNT-LZ){1'b0}}, zeros};
      assign lead   = exponent - STEP[AMOUNT-1:0] - (MAN_I[AMOUNT-1:0] - amount);
      assign base   = zero ? {EXP_O{1'b0}} : lead[EXP_O-1:0];
    end else if (EXP_O == EXP_I) begin : g_same
      assign amount = MAN_I[AMOUNT-1:0];
      assign lead   = exponent - STEP[AMOUNT-1:0];
      assign base   = zero ? {EXP_O{1'b0}} : lead[EXP_O-1:0];
    end else begin : g_narrower
      // A subnormal, zero with them, is far too small.
      logic [AMOUNT-1:0] longer;
      logic              unused;

      assign lead   = exponent - STEP[AMOUNT-1:0];
      assign longer = FURTHEST[AMOUNT-1:0] - exponent;
      assign amount = lead[AMOUNT-1] ? longer : MAN_I[AMOUNT-1:0];
      assign base   = lead[AMOUNT-1] ? {EXP_O{1'b0}} : lead[EXP_O-1:0];
      assign unused = zero;
    end
  endgenerate

  // Past the largest field; `fp_pack` looks after that itself.
  logic beyond;
  assign beyond = !lead[AMOUNT-1] & (|lead[AMOUNT-1:EXP_O]);

  logic              sign_m, infinite_m, nan_m, normal_m;
  logic [AMOUNT-1:0] amount_m;
  logic [EXP_O-1:0]  base_m;
  logic [MAN_I-1:0]  fraction_m;

  delay #(.WIDTH(4 + AMOUNT + EXP_O + MAN_I), .CYCLES(AFTER_MEASURE)) u_measure (
    .clk_i(clk_i),
    .d_i({sign, infinite | beyond, nan, normal, amount, base, x_i[MAN_I-1:0]}),
    .q_o({sign_m, infinite_m, nan_m, normal_m, amount_m, base_m, fraction_m})
  );

  // ---- Shift
  logic [WIDE-1:0] shifted;

  fp_shift_jam #(.WIDTH(WIDE), .AMOUNT_BITS(AMOUNT)) u_shift (
    .d_i({1'b0, normal_m, fraction_m, {(MAN_O+2){1'b0}}}), .amount_i(amount_m), .q_o(shifted)
  );

  logic             up, up_two, sign_s, infinite_s, nan_s, up_s, up_two_s, unused_high;
  logic [EXP_O-1:0] base_s;
  logic [MAN_O+1:0] significand_s;

  fp_up u_up (.low_i(shifted[3:0]), .up_o(up), .up_two_o(up_two));

  delay #(.WIDTH(5 + EXP_O + MAN_O + 2), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({sign_m, infinite_m, nan_m, up, up_two, base_m, shifted[MAN_O+3:2]}),
    .q_o({sign_s, infinite_s, nan_s, up_s, up_two_s, base_s, significand_s})
  );

  assign unused_high = |shifted[WIDE-1:MAN_O+4];

  // ---- Round
  logic [EXP_O+MAN_O:0] y;

  fp_pack #(.EXP(EXP_O), .MAN(MAN_O)) u_pack (
    .sign_i(sign_s), .base_i(base_s), .significand_i(significand_s), .up_i(up_s), .up_two_i(up_two_s),
    .infinite_i(infinite_s), .nan_i(nan_s), .y_o(y)
  );

  delay #(.WIDTH(EXP_O + MAN_O + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
