// Sum or difference of two floats, rounded once to nearest even, subnormals kept.
//
//   EXP, MAN    bits of the exponent field and of the fraction
//   LATENCY     1 or more: y_o belongs to the operands of LATENCY cycles before; one result per cycle
//
//   order by magnitude │ align │ add │ round, or shift left │ choose │
//   registers: LATENCY 1  at the end      2  + after align          3  + after add
//              4  + after order           5  + before choose        more: behind the last
//
// Only one of the two long ends of an addition is ever needed: a sum that loses two leading bits or more is exact, so
// it is shifted and not rounded; any other sum moves by one place at most before it is rounded.
`default_nettype none

module fp_add #(
  parameter EXP     = 8,
  parameter MAN     = 23,
  parameter LATENCY = 4
) (
  input  logic             clk_i,
  input  logic [EXP+MAN:0] a_i,
  input  logic [EXP+MAN:0] b_i,
  input  logic             subtract_i,
  output logic [EXP+MAN:0] y_o
);
  localparam AFTER_ORDER     = LATENCY >= 4 ? 1 : 0;
  localparam AFTER_ALIGN     = LATENCY >= 2 ? 1 : 0;
  localparam AFTER_ADD       = LATENCY >= 3 ? 1 : 0;
  localparam BEFORE_CHOOSE   = LATENCY >= 5 ? 1 : 0;
  localparam AT_END         = LATENCY - AFTER_ORDER - AFTER_ALIGN - AFTER_ADD - BEFORE_CHOOSE;

  localparam SIG  = MAN + 4;           // leading bit, fraction, two guard bits, sticky bit
  localparam SUM  = SIG + 1;
  localparam LZ   = $clog2(SUM);
  localparam [EXP-1:0] ONES = {EXP{1'b1}};

  // ---- Order by magnitude: the difference is never negative, and a NaN comes first.
  logic             swap;
  logic [EXP-1:0]   a_exponent, b_exponent, distance;
  logic [EXP+MAN:0] a, b, major, minor;

  always_comb begin
    a = a_i;
    b = {b_i[EXP+MAN] ^ subtract_i, b_i[EXP+MAN-1:0]};
    swap = a[EXP+MAN-1:0] < b[EXP+MAN-1:0];
    major = swap ? b : a;
    minor = swap ? a : b;
    // Subnormals have the exponent of field 1.
    a_exponent = {a[EXP+MAN-1:MAN+1], a[MAN] | ~|a[EXP+MAN-1:MAN]};
    b_exponent = {b[EXP+MAN-1:MAN+1], b[MAN] | ~|b[EXP+MAN-1:MAN]};
    distance = swap ? b_exponent - a_exponent : a_exponent - b_exponent;
  end

  logic [EXP-1:0]   distance_q;
  logic [EXP+MAN:0] major_q, minor_q;

  delay #(.WIDTH(2 * (EXP + MAN + 1) + EXP), .CYCLES(AFTER_ORDER)) u_order (
    .clk_i(clk_i), .d_i({major, minor, distance}), .q_o({major_q, minor_q, distance_q})
  );

  // ---- Align
  logic           sign, opposite, infinite, nan;
  logic [EXP-1:0] exponent;
  logic [MAN:0]   upper;
  logic [SIG-1:0] lower;

  assign sign     = major_q[EXP+MAN];
  assign opposite = major_q[EXP+MAN] ^ minor_q[EXP+MAN];
  assign infinite = major_q[EXP+MAN-1:MAN] == ONES;
  assign nan      = infinite & (|major_q[MAN-1:0] | (opposite & minor_q[EXP+MAN-1:MAN] == ONES));
  assign exponent = {major_q[EXP+MAN-1:MAN+1], major_q[MAN] | ~|major_q[EXP+MAN-1:MAN]};
  assign upper    = {|major_q[EXP+MAN-1:MAN], major_q[MAN-1:0]};

  fp_shift_jam #(.WIDTH(SIG), .AMOUNT_BITS(EXP)) u_shift (
    .d_i({|minor_q[EXP+MAN-1:MAN], minor_q[MAN-1:0], 3'b0}), .amount_i(distance_q), .q_o(lower)
  );

  logic           sign_q, opposite_q, infinite_q, nan_q;
  logic [EXP-1:0] exponent_q;
  logic [MAN:0]   upper_q;
  logic [SIG-1:0] lower_q;

  delay #(.WIDTH(4 + EXP + MAN + 1 + SIG), .CYCLES(AFTER_ALIGN)) u_align (
    .clk_i(clk_i), .d_i({sign, opposite, infinite, nan, exponent, upper, lower}),
    .q_o({sign_q, opposite_q, infinite_q, nan_q, exponent_q, upper_q, lower_q})
  );

  // ---- Add, move by one place, and count the leading zeros
  logic               carry_unused, cancelled, nothing, up, add_sign, add_infinite;
  logic [SUM-1:0]     sum;
  logic [LZ-1:0]      zeros;
  logic [EXP-1:0]     field;
  logic [MAN-1:0]     fraction;

  // A subtraction is the sum with the complement and a carry into the lowest position, which is dropped.
  assign {sum, carry_unused} = {1'b0, upper_q, 3'b0, 1'b1} + {{1'b0, lower_q} ^ {SUM{opposite_q}}, opposite_q};

  fp_leading_zeros #(.WIDTH(SUM)) u_zeros (.d_i(sum), .count_o(zeros), .none_o(nothing));

  always_comb begin
    field = exponent_q;
    fraction = sum[MAN+2:3];
    up = sum[2] & (sum[3] | sum[1] | sum[0]);
    cancelled = 1'b0;
    add_infinite = infinite_q;
    if (sum[SUM-1]) begin
      field = exponent_q + 1'b1;
      fraction = sum[MAN+3:4];
      up = sum[3] & (sum[4] | sum[2] | sum[1] | sum[0]);
      add_infinite = infinite_q | (exponent_q == {ONES[EXP-1:1], 1'b0});
    end else if (!sum[SUM-2]) begin
      field = exponent_q - 1'b1;
      fraction = sum[MAN+1:2];
      up = sum[1] & (sum[2] | sum[0]);
      // A subnormal stays where it is.
      cancelled = !sum[SUM-3] | (exponent_q == {{(EXP-1){1'b0}}, 1'b1});
    end
    // x − x is +0, −0 − 0 stays −0.
    add_sign = sign_q & ~(opposite_q & nothing);
  end

  logic           add_sign_q, add_infinite_q, add_nan_q, cancelled_q, nothing_q, up_q;
  logic [EXP-1:0] exponent_add_q, field_q;
  logic [MAN-1:0] fraction_q;
  logic [SUM-3:0] sum_q;
  logic [LZ-1:0]  zeros_q;

  delay #(.WIDTH(6 + 2 * EXP + MAN + SUM - 2 + LZ), .CYCLES(AFTER_ADD)) u_add (
    .clk_i(clk_i),
    .d_i({add_sign, add_infinite, nan_q, cancelled, nothing, up, exponent_q, field, fraction, sum[SUM-3:0], zeros}),
    .q_o({add_sign_q, add_infinite_q, add_nan_q, cancelled_q, nothing_q, up_q, exponent_add_q, field_q, fraction_q,
          sum_q, zeros_q})
  );

  // ---- Round: field and fraction are one number, so that a carry makes the next binade, and at last infinity.
  logic [EXP+MAN-1:0] rounded;

  assign rounded = {field_q, fraction_q} + {{(EXP+MAN-1){1'b0}}, up_q};

  // ---- Shift left, but not below the exponent of the subnormals
  logic               limited;
  logic [LZ-1:0]      shift;
  logic [EXP-1:0]     shifted_field;
  logic [SUM-1:0]     shifted;
  logic               unused;

  always_comb begin
    limited = (~|exponent_add_q[EXP-1:LZ]) & (zeros_q > exponent_add_q[LZ-1:0]);
    shift = limited ? exponent_add_q[LZ-1:0] : zeros_q;
    shifted = {2'b0, sum_q} << shift;
    unused = |{shifted[SUM-1], shifted[3:0]};
    shifted_field = (limited | nothing_q) ? {EXP{1'b0}} : exponent_add_q + 1'b1 - {{(EXP-LZ){1'b0}}, zeros_q};
  end

  logic               end_sign_q, end_infinite_q, end_nan_q, end_cancelled_q;
  logic [EXP+MAN-1:0] rounded_q, shifted_q;

  delay #(.WIDTH(4 + 2 * (EXP + MAN)), .CYCLES(BEFORE_CHOOSE)) u_ends (
    .clk_i(clk_i),
    .d_i({add_sign_q, add_infinite_q, add_nan_q, cancelled_q, rounded, shifted_field, shifted[SUM-2 -: MAN]}),
    .q_o({end_sign_q, end_infinite_q, end_nan_q, end_cancelled_q, rounded_q, shifted_q})
  );

  // ---- Choose
  logic [EXP+MAN:0] y;

  always_comb begin
    y = {end_sign_q, end_cancelled_q ? shifted_q : rounded_q};
    if (end_nan_q) y = {1'b0, ONES, 1'b1, {(MAN-1){1'b0}}};
    else if (end_infinite_q) y = {end_sign_q, ONES, {MAN{1'b0}}};
  end

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
