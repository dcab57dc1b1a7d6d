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
  localparam AMOUNT = EXP + 2;
  localparam SHIFT  = $clog2(2 * SIG + 2) < AMOUNT ? $clog2(2 * SIG + 2) : AMOUNT - 1;
  localparam LZ     = $clog2(MAN);
  localparam BIAS   = (1 << (EXP - 1)) - 1;
  localparam [EXP-1:0] ONES = {EXP{1'b1}};

  // ---- Multiply. A subnormal has exponent 1 and no leading one.
  logic              a_normal, b_normal, sign, infinite, nan, zero, none;
  logic [EXP-1:0]    a_exponent, b_exponent;
  logic [LZ-1:0]     zeros;
  logic [AMOUNT-1:0] least, field_gap;
  logic [SIG-1:0]    a_significand, b_significand;
  logic              a_huge, b_huge, a_fraction, b_fraction;

  assign a_normal = |a_i[EXP+MAN-1:MAN];
  assign b_normal = |b_i[EXP+MAN-1:MAN];

  fp_leading_zeros #(.WIDTH(MAN)) u_zeros (
    .d_i(a_normal ? b_i[MAN-1:0] : a_i[MAN-1:0]), .count_o(zeros), .none_o(none)
  );

  always_comb begin
    a_exponent = {a_i[EXP+MAN-1:MAN+1], a_i[MAN] | !a_normal};
    b_exponent = {b_i[EXP+MAN-1:MAN+1], b_i[MAN] | !b_normal};
    a_significand = {a_normal, a_i[MAN-1:0]};
    b_significand = {b_normal, b_i[MAN-1:0]};

    a_huge = a_i[EXP+MAN-1:MAN] == ONES;
    b_huge = b_i[EXP+MAN-1:MAN] == ONES;
    a_fraction = |a_i[MAN-1:0];
    b_fraction = |b_i[MAN-1:0];
    sign = a_i[EXP+MAN] ^ b_i[EXP+MAN];
    infinite = a_huge | b_huge;
    nan = (a_huge & (a_fraction | !(b_normal | b_fraction))) | (b_huge & (b_fraction | !(a_normal | a_fraction)));
    zero = none & !(a_normal & b_normal);

    // The product, with two zeros behind it, is shifted right. A shift by MAN leaves a product of normal numbers as it
    // is; less moves the leading one of a subnormal up; `field_gap` is the shift at which the exponent field is 0.
    least = MAN[AMOUNT-1:0];
    if (!(a_normal & b_normal)) least = MAN[AMOUNT-1:0] - 1'b1 - {{(AMOUNT-LZ){1'b0}}, zeros};
    field_gap = MAN[AMOUNT-1:0] + BIAS[AMOUNT-1:0] + 1'b1 - {2'b0, a_exponent} - {2'b0, b_exponent};
  end

  logic              sign_m, infinite_m, nan_m, zero_m;
  logic [AMOUNT-1:0] least_m, field_gap_m;

  delay #(.WIDTH(4 + 2 * AMOUNT), .CYCLES(AFTER_MULTIPLY)) u_fields (
    .clk_i(clk_i), .d_i({sign, infinite, nan, zero, least, field_gap}),
    .q_o({sign_m, infinite_m, nan_m, zero_m, least_m, field_gap_m})
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

  logic              sum_infinite, unused_base;
  logic [SHIFT-1:0]  amount;
  logic [AMOUNT-1:0] lead, further;
  logic [EXP-1:0]    base;

  always_comb begin
    // Negative if the field would be: then it is 0, and the number shifted to there.
    lead = least_m - field_gap_m;
    further = lead[AMOUNT-1] ? field_gap_m : least_m;
    // The largest shift leaves nothing but the sticky bit.
    amount = further[SHIFT-1:0] | {SHIFT{|further[AMOUNT-1:SHIFT]}};
    base = lead[EXP-1:0] & {EXP{!(lead[AMOUNT-1] | zero_m)}};
    sum_infinite = infinite_m | (lead[EXP] & !lead[AMOUNT-1] & !zero_m);
    unused_base = least_m[AMOUNT-1];
  end

  logic              sign_s, infinite_s, nan_s;
  logic [SHIFT-1:0]  amount_s;
  logic [EXP-1:0]    base_s;
  logic [2*SIG-1:0]  product_s;

  delay #(.WIDTH(3 + SHIFT + EXP + 2 * SIG), .CYCLES(AFTER_ADD)) u_sum (
    .clk_i(clk_i), .d_i({sign_m, sum_infinite, nan_m, amount, base, product}),
    .q_o({sign_s, infinite_s, nan_s, amount_s, base_s, product_s})
  );

  // ---- Shift
  logic [2*SIG+1:0] shifted;

  fp_shift_jam #(.WIDTH(2 * SIG + 2), .AMOUNT_BITS(SHIFT)) u_shift (
    .d_i({product_s, 2'b0}), .amount_i(amount_s), .q_o(shifted)
  );

  logic           sign_r, infinite_r, nan_r;
  logic [EXP-1:0] base_r;
  logic [MAN+3:0] significand_r;

  delay #(.WIDTH(3 + EXP + MAN + 4), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({sign_s, infinite_s, nan_s, base_s, shifted[MAN+3:0]}),
    .q_o({sign_r, infinite_r, nan_r, base_r, significand_r})
  );

  // ---- Round
  logic [EXP+MAN:0] y;

  fp_pack #(.EXP(EXP), .MAN(MAN)) u_pack (
    .sign_i(sign_r), .base_i(base_r), .significand_i(significand_r), .infinite_i(infinite_r), .nan_i(nan_r), .y_o(y)
  );

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));

  // A shift never leaves anything above the significand.
  logic unused;
  assign unused = |{shifted[2*SIG+1:MAN+4], unused_base};
endmodule

`default_nettype wire
