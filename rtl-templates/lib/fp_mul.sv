// Product of two floats, rounded once to nearest even, subnormals kept.
//
//   EXP, MAN    bits of the exponent field and of the fraction
//   LATENCY     1 or more: y_o belongs to the operands of LATENCY cycles before; one result per cycle
//
//   multiply │ add the partial products │ shift │ round │
//   registers: LATENCY 1  at the end      2  + after multiply       3  + after add
//              4  + after shift           more: behind the last
//
// A significand of more than 17 bits is multiplied in two parts, so that a DSP48E2 (27 × 18 bits, signed) takes each;
// the registers after multiply and after add are those inside the DSPs.
`default_nettype none

module fp_mul #(
  parameter EXP     = 8,
  parameter MAN     = 23,
  parameter LATENCY = 3
) (
  input  logic             clk_i,
  input  logic [EXP+MAN:0] a_i,
  input  logic [EXP+MAN:0] b_i,
  output logic [EXP+MAN:0] y_o
);
  localparam AFTER_MULTIPLY = LATENCY >= 2 ? 1 : 0;
  localparam AFTER_ADD      = LATENCY >= 3 ? 1 : 0;
  localparam AFTER_SHIFT    = LATENCY >= 4 ? 1 : 0;
  localparam AT_END         = LATENCY - AFTER_MULTIPLY - AFTER_ADD - AFTER_SHIFT;

  localparam SIG    = MAN + 1;
  localparam LOWER  = SIG > 17 ? 17 : SIG;     // bits of b in the first product
  localparam UPPER  = SIG - LOWER;
  localparam FIELD  = EXP + 2;                 // of a sum of exponents, with sign
  localparam LZ     = $clog2(MAN);
  localparam SHIFT  = $clog2(2 * SIG + 2);
  localparam BIAS   = (1 << (EXP - 1)) - 1;
  localparam TOP    = MAN + BIAS + 1;
  localparam [EXP-1:0] ONES = {EXP{1'b1}};

  // ---- Multiply. A subnormal has exponent 1 and no leading one; of two subnormals nothing is left in any case.
  logic             a_normal, b_normal, subnormal, sign, infinite, nan, zero, a_none, b_none;
  logic             a_huge, b_huge, a_fraction, b_fraction;
  logic [SIG-1:0]   a_significand, b_significand;
  logic [LZ-1:0]    a_zeros, b_zeros, zeros;
  logic [EXP:0]     exponent;
  logic             carry_unused;

  assign a_normal = |a_i[EXP+MAN-1:MAN];
  assign b_normal = |b_i[EXP+MAN-1:MAN];

  fp_leading_zeros #(.WIDTH(MAN)) u_a_zeros (.d_i(a_i[MAN-1:0]), .count_o(a_zeros), .none_o(a_none));
  fp_leading_zeros #(.WIDTH(MAN)) u_b_zeros (.d_i(b_i[MAN-1:0]), .count_o(b_zeros), .none_o(b_none));

  always_comb begin
    subnormal = !(a_normal & b_normal);
    a_significand = {a_normal, a_i[MAN-1:0]};
    b_significand = {b_normal, b_i[MAN-1:0]};
    {exponent, carry_unused} = {1'b0, a_i[EXP+MAN-1:MAN], 1'b1} + {1'b0, b_i[EXP+MAN-1:MAN], subnormal};

    a_huge = a_i[EXP+MAN-1:MAN] == ONES;
    b_huge = b_i[EXP+MAN-1:MAN] == ONES;
    a_fraction = |a_i[MAN-1:0];
    b_fraction = |b_i[MAN-1:0];
    sign = a_i[EXP+MAN] ^ b_i[EXP+MAN];
    infinite = a_huge | b_huge;
    nan = (a_huge & (a_fraction | !(b_normal | b_fraction))) | (b_huge & (b_fraction | !(a_normal | a_fraction)));
    zeros = a_normal ? b_zeros : a_zeros;
    zero = a_normal ? b_none & !b_normal : a_none;
  end

  logic             sign_m, infinite_m, nan_m, zero_m, subnormal_m;
  logic [LZ-1:0]    zeros_m;
  logic [EXP:0]     exponent_m;

  delay #(.WIDTH(5 + LZ + EXP + 1), .CYCLES(AFTER_MULTIPLY)) u_fields (
    .clk_i(clk_i), .d_i({sign, infinite, nan, zero, subnormal, zeros, exponent}),
    .q_o({sign_m, infinite_m, nan_m, zero_m, subnormal_m, zeros_m, exponent_m})
  );

  // ---- Add the partial products, and settle the shift
  logic [2*SIG-1:0] product;

  generate
    if (UPPER > 0) begin : g_two_parts
      logic [SIG+LOWER-1:0] low, low_m;
      logic [SIG+UPPER-1:0] high, high_m;

      assign low  = a_significand * b_significand[LOWER-1:0];
      assign high = a_significand * b_significand[SIG-1:LOWER];
      delay #(.WIDTH(SIG + LOWER), .CYCLES(AFTER_MULTIPLY)) u_low (.clk_i(clk_i), .d_i(low), .q_o(low_m));
      delay #(.WIDTH(SIG + UPPER), .CYCLES(AFTER_MULTIPLY)) u_high (.clk_i(clk_i), .d_i(high), .q_o(high_m));
      assign product = {high_m + {{UPPER{1'b0}}, low_m[SIG+LOWER-1:LOWER]}, low_m[LOWER-1:0]};
    end else begin : g_one_part
      logic [2*SIG-1:0] whole;

      assign whole = a_significand * b_significand;
      delay #(.WIDTH(2 * SIG), .CYCLES(AFTER_MULTIPLY)) u_whole (.clk_i(clk_i), .d_i(whole), .q_o(product));
    end
  endgenerate

  // The product, with two zeros behind it, is shifted right: by MAN it stays where it is, by less the leading one of a
  // subnormal moves up; the exponent field is then `lead`. A field below 0 becomes 0, and the shift is longer by that.
  logic             sum_infinite;
  logic [SHIFT-1:0] amount, least;
  logic [FIELD-1:0] lead, longer;
  logic [EXP-1:0]   base;

  always_comb begin
    least = MAN[SHIFT-1:0];
    lead = {1'b0, exponent_m} - (BIAS[FIELD-1:0] + 1'b1);
    if (subnormal_m) begin
      least = MAN[SHIFT-1:0] - 1'b1 - {{(SHIFT-LZ){1'b0}}, zeros_m};
      // − (BIAS + 2) − zeros is the complement of BIAS + 1 + zeros, a power of two and what lies below it.
      lead = {1'b0, exponent_m} + ~((BIAS[FIELD-1:0] + 1'b1) | {{(FIELD-LZ){1'b0}}, zeros_m});
    end
    longer = TOP[FIELD-1:0] - {1'b0, exponent_m};
    // The longest shift leaves nothing but the sticky bit.
    amount = lead[FIELD-1] ? longer[SHIFT-1:0] | {SHIFT{|longer[FIELD-1:SHIFT]}} : least;
    base = lead[EXP-1:0] & {EXP{!(lead[FIELD-1] | zero_m)}};
    sum_infinite = infinite_m | (lead[EXP] & !lead[FIELD-1] & !zero_m);
  end

  logic             sign_s, infinite_s, nan_s;
  logic [SHIFT-1:0] amount_s;
  logic [EXP-1:0]   base_s;
  logic [2*SIG-1:0] product_s;

  delay #(.WIDTH(3 + SHIFT + EXP + 2 * SIG), .CYCLES(AFTER_ADD)) u_sum (
    .clk_i(clk_i), .d_i({sign_m, sum_infinite, nan_m, amount, base, product}),
    .q_o({sign_s, infinite_s, nan_s, amount_s, base_s, product_s})
  );

  // ---- Shift
  logic [2*SIG+1:0] shifted;
  logic             up, up_two, unused_high;

  fp_shift_jam #(.WIDTH(2 * SIG + 2), .AMOUNT_BITS(SHIFT)) u_shift (
    .d_i({product_s, 2'b0}), .amount_i(amount_s), .q_o(shifted)
  );

  fp_up u_up (.low_i(shifted[3:0]), .up_o(up), .up_two_o(up_two));

  // A shift never leaves anything above the significand.
  assign unused_high = |shifted[2*SIG+1:MAN+4];

  logic           sign_r, infinite_r, nan_r, up_r, up_two_r;
  logic [EXP-1:0] base_r;
  logic [MAN+1:0] significand_r;    // two integer bits and the fraction

  delay #(.WIDTH(5 + EXP + MAN + 2), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({sign_s, infinite_s, nan_s, up, up_two, base_s, shifted[MAN+3:2]}),
    .q_o({sign_r, infinite_r, nan_r, up_r, up_two_r, base_r, significand_r})
  );

  // ---- Round
  logic [EXP+MAN:0] y;

  fp_pack #(.EXP(EXP), .MAN(MAN)) u_pack (
    .sign_i(sign_r), .base_i(base_r), .significand_i(significand_r), .up_i(up_r), .up_two_i(up_two_r),
    .infinite_i(infinite_r), .nan_i(nan_r), .y_o(y)
  );

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
