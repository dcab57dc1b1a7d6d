// Sum or difference of two floats, rounded once to nearest even, subnormals kept.
//
//   EXP, MAN    bits of the exponent field and of the fraction
//   LATENCY     1 or more: y_o belongs to the operands of LATENCY cycles before; one result per cycle
//
//   order by magnitude │ align │ add │ count zeros │ normalise │ round │
//   registers: LATENCY 1  at the end      2  + after align          3  + after add
//              4  + after order           5  + after normalise      6  + after count      more: behind the last
//
// The last place of either shift is left to the adder behind it, whose LUTs have inputs to spare.
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
  localparam AFTER_NORMALISE = LATENCY >= 5 ? 1 : 0;
  localparam AFTER_COUNT     = LATENCY >= 6 ? 1 : 0;
  localparam AT_END          = LATENCY - AFTER_ORDER - AFTER_ALIGN - AFTER_ADD - AFTER_COUNT - AFTER_NORMALISE;

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
    // AND and OR instead of a choice: beside a constant operand a choice would become a slower synchronous reset.
    major = (b & {(EXP+MAN+1){swap}}) | (a & {(EXP+MAN+1){!swap}});
    minor = (a & {(EXP+MAN+1){swap}}) | (b & {(EXP+MAN+1){!swap}});
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
  logic [SIG-1:0] lower;      // by one place too high if the distance is odd

  assign sign     = major_q[EXP+MAN];
  assign opposite = major_q[EXP+MAN] ^ minor_q[EXP+MAN];
  assign infinite = major_q[EXP+MAN-1:MAN] == ONES;
  assign nan      = infinite & (|major_q[MAN-1:0] | (opposite & minor_q[EXP+MAN-1:MAN] == ONES));
  assign exponent = {major_q[EXP+MAN-1:MAN+1], major_q[MAN] | ~|major_q[EXP+MAN-1:MAN]};
  assign upper    = {|major_q[EXP+MAN-1:MAN], major_q[MAN-1:0]};

  fp_shift_jam #(.WIDTH(SIG), .AMOUNT_BITS(EXP), .LOWEST(1)) u_shift (
    .d_i({|minor_q[EXP+MAN-1:MAN], minor_q[MAN-1:0], 3'b0}), .amount_i(distance_q), .q_o(lower)
  );

  logic           sign_q, opposite_q, infinite_q, nan_q, odd_q;
  logic [EXP-1:0] exponent_q;
  logic [MAN:0]   upper_q;
  logic [SIG-1:0] lower_q;

  delay #(.WIDTH(5 + EXP + MAN + 1 + SIG), .CYCLES(AFTER_ALIGN)) u_align (
    .clk_i(clk_i), .d_i({sign, opposite, infinite, nan, distance_q[0], exponent, upper, lower}),
    .q_o({sign_q, opposite_q, infinite_q, nan_q, odd_q, exponent_q, upper_q, lower_q})
  );

  // ---- Add. A subtraction is the sum with the complement and a carry into the lowest position, which is dropped.
  logic           carry_unused;
  logic [SIG-1:0] aligned;
  logic [SUM-1:0] sum;

  always_comb begin
    aligned = odd_q ? {1'b0, lower_q[SIG-1:2], lower_q[1] | lower_q[0]} : lower_q;
    {sum, carry_unused} = {1'b0, upper_q, 3'b0, 1'b1} + {{1'b0, aligned} ^ {SUM{opposite_q}}, opposite_q};
  end

  logic           sign_a, opposite_a, infinite_a, nan_a;
  logic [EXP-1:0] exponent_a;
  logic [SUM-1:0] sum_a;

  delay #(.WIDTH(4 + EXP + SUM), .CYCLES(AFTER_ADD)) u_add (
    .clk_i(clk_i), .d_i({sign_q, opposite_q, infinite_q, nan_q, exponent_q, sum}),
    .q_o({sign_a, opposite_a, infinite_a, nan_a, exponent_a, sum_a})
  );

  // ---- Count the zeros to shift out, but do not go below the exponent of the subnormals
  logic           nothing, limited, sign_n;
  logic [LZ-1:0]  zeros, shift;

  fp_leading_zeros #(.WIDTH(SUM)) u_zeros (.d_i(sum_a), .count_o(zeros), .none_o(nothing));

  always_comb begin
    // zeros > exponent, bit by bit: a few LUTs are faster here than a carry chain.
    limited = 1'b0;
    for (int i = 0; i < LZ; i = i + 1) begin
      limited = (zeros[i] & !exponent_a[i]) | (limited & (zeros[i] | !exponent_a[i]));
    end
    if (|exponent_a[EXP-1:LZ]) limited = 1'b0;
    shift = limited ? exponent_a[LZ-1:0] : zeros;
    // x − x is +0, −0 − 0 stays −0.
    sign_n = sign_a & ~(opposite_a & nothing);
  end

  logic           sign_c, infinite_c, nan_c, nothing_c;
  logic [EXP-1:0] exponent_c;
  logic [LZ-1:0]  shift_c;
  logic [SUM-1:0] sum_c;

  delay #(.WIDTH(4 + EXP + LZ + SUM), .CYCLES(AFTER_COUNT)) u_count (
    .clk_i(clk_i), .d_i({sign_n, infinite_a, nan_a, nothing, exponent_a, shift, sum_a}),
    .q_o({sign_c, infinite_c, nan_c, nothing_c, exponent_c, shift_c, sum_c})
  );

  // ---- Normalise, up to the last place. Of the two roundings, without it and with it, the round stage takes one.
  logic           up, up_odd, overflow;
  logic [EXP-1:0] base;        // exponent field, less the leading one
  logic [SUM-1:0] normal;

  always_comb begin
    base = nothing_c ? {EXP{1'b0}} : exponent_c - {{(EXP-LZ){1'b0}}, shift_c};
    normal = sum_c << {shift_c[LZ-1:1], 1'b0};
    up = normal[3] & (normal[4] | (|normal[2:0]));
    up_odd = normal[2] & (normal[3] | (|normal[1:0]));
    overflow = infinite_c | (exponent_c == {ONES[EXP-1:1], 1'b0} & ~|shift_c);
  end

  logic           sign_r, overflow_r, nan_r, odd_r, up_r, up_odd_r;
  logic [EXP-1:0] base_r;
  logic [MAN+1:0] normal_r;

  delay #(.WIDTH(6 + EXP + MAN + 2), .CYCLES(AFTER_NORMALISE)) u_normalise (
    .clk_i(clk_i), .d_i({sign_c, overflow, nan_c, shift_c[0], up, up_odd, base, normal[SUM-1:3]}),
    .q_o({sign_r, overflow_r, nan_r, odd_r, up_r, up_odd_r, base_r, normal_r})
  );

  // ---- Round. Field and fraction are one number, so that a carry makes the next binade, and at last infinity.
  logic               rounded_unused;
  logic [MAN:0]       significand;
  logic [EXP+MAN-1:0] rounded;
  logic [EXP+MAN:0]   y;

  always_comb begin
    significand = odd_r ? normal_r[MAN:0] : normal_r[MAN+1:1];
    {rounded, rounded_unused} = {base_r, significand[MAN-1:0], 1'b1}
      + {{(EXP-1){1'b0}}, significand[MAN], {MAN{1'b0}}, odd_r ? up_odd_r : up_r};
    y = {sign_r, rounded};
    if (nan_r) y = {1'b0, ONES, 1'b1, {(MAN-1){1'b0}}};
    else if (overflow_r) y = {sign_r, ONES, {MAN{1'b0}}};
  end

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
