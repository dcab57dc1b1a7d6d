// A signed integer as a float, rounded once to nearest even; 0 becomes +0.
//
//   EXP, MAN     bits of the exponent field and of the fraction
//   INT_WIDTH    bits of the integer, 3 or more
//   LATENCY      1 or more: y_o belongs to the integer of LATENCY cycles before; one result per cycle
//
//   count zeros │ shift │ round │
//   registers: LATENCY 1  at the end    2  + after count    3  + after shift    more: behind the last
//
// There is no negation: the complement of a negative number is its magnitude less one, and with ones behind it down to
// any place, that one becomes a carry which the rounding takes in.
`default_nettype none

module fp_from_int #(
  parameter EXP       = 8,
  parameter MAN       = 23,
  parameter INT_WIDTH = 32,
  parameter LATENCY   = 3
) (
  input  logic                 clk_i,
  input  logic [INT_WIDTH-1:0] x_i,
  output logic [EXP+MAN:0]     y_o
);
  localparam AFTER_COUNT = LATENCY >= 2 ? 1 : 0;
  localparam AFTER_SHIFT = LATENCY >= 3 ? 1 : 0;
  localparam AT_END      = LATENCY - AFTER_COUNT - AFTER_SHIFT;

  localparam LZ    = $clog2(INT_WIDTH);
  localparam BIAS  = (1 << (EXP - 1)) - 1;
  localparam FIELD = (EXP > LZ ? EXP : LZ) + 1;
  localparam TOP   = BIAS + INT_WIDTH - 2;         // field of a number without leading zeros
  localparam LOW   = INT_WIDTH > MAN + 2 ? INT_WIDTH - MAN - 2 : 0;   // places below the round bit
  localparam WIDE  = MAN + 2 + LOW;

  // ---- Count: twice the magnitude, or twice the magnitude less one
  logic                 sign, none;
  logic [INT_WIDTH-1:0] twice;
  logic [LZ-1:0]        zeros;

  assign sign  = x_i[INT_WIDTH-1];
  assign twice = {x_i[INT_WIDTH-2:0], 1'b0} ^ {INT_WIDTH{sign}};

  fp_leading_zeros #(.WIDTH(INT_WIDTH)) u_zeros (.d_i(twice), .count_o(zeros), .none_o(none));

  logic                 sign_c, none_c;
  logic [INT_WIDTH-1:0] twice_c;
  logic [LZ-1:0]        zeros_c;

  delay #(.WIDTH(2 + INT_WIDTH + LZ), .CYCLES(AFTER_COUNT)) u_count (
    .clk_i(clk_i), .d_i({sign, none, twice, zeros}), .q_o({sign_c, none_c, twice_c, zeros_c})
  );

  // ---- Shift
  logic [FIELD-1:0] field;
  logic [WIDE-1:0]  shifted;

  always_comb begin
    field = TOP[FIELD-1:0] - {{(FIELD-LZ){1'b0}}, zeros_c};
    if (none_c) field = 0;
    // The complement under the shift brings ones in behind a negative number.
    shifted = {WIDE{sign_c}};
    shifted[WIDE-1 -: INT_WIDTH] = twice_c;
    shifted = ((shifted ^ {WIDE{sign_c}}) << zeros_c) ^ {WIDE{sign_c}};
  end

  logic             sign_s, none_s;
  logic [FIELD-1:0] field_s;
  logic [WIDE-1:0]  shifted_s;

  delay #(.WIDTH(2 + FIELD + WIDE), .CYCLES(AFTER_SHIFT)) u_shift (
    .clk_i(clk_i), .d_i({sign_c, none_c, field, shifted}), .q_o({sign_s, none_s, field_s, shifted_s})
  );

  // ---- Round
  logic             half, low_zeros, low_ones, up, unused;
  logic [MAN-1:0]   fraction;
  logic [FIELD-1:0] rounded_field;
  logic [MAN-1:0]   rounded_fraction;
  logic [EXP+MAN:0] y;

  generate
    if (LOW > 0) begin : g_low
      assign low_zeros = ~|shifted_s[LOW-1:0];
      assign low_ones  = &shifted_s[LOW-1:0];
    end else begin : g_no_low
      // Nothing but the zeros, or the ones, that go on for ever.
      assign low_zeros = !sign_s;
      assign low_ones  = sign_s;
    end
  endgenerate

  always_comb begin
    fraction = shifted_s[WIDE-2 -: MAN];
    half = shifted_s[LOW];
    unused = shifted_s[WIDE-1];
    up = half & (!low_zeros | fraction[0]);
    if (sign_s) up = low_ones ? half | fraction[0] : half;
    {rounded_field, rounded_fraction} = {field_s, fraction} + {{(FIELD+MAN-1){1'b0}}, up & !none_s};
    y = {sign_s, rounded_field[EXP-1:0], rounded_fraction};
    if (rounded_field >= {{(FIELD-EXP){1'b0}}, {EXP{1'b1}}}) y = {sign_s, {EXP{1'b1}}, {MAN{1'b0}}};
  end

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
