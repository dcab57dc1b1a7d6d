// A signed integer as a float, rounded once to nearest even; 0 becomes +0.
//
//   EXP, MAN     bits of the exponent field and of the fraction
//   INT_WIDTH    bits of the integer, 3 or more
//   LATENCY      1 or more: y_o belongs to the integer of LATENCY cycles before; one result per cycle
//
//   count zeros │ take them from the longest shift │ shift │ round │
//   registers: LATENCY 1  at the end    2  + after take    3  + after shift    4  + after count
//              more: behind the last
//
// There is no negation: the complement of a negative number is its magnitude less one, and with ones behind it for ever,
// that one is a carry which the rounding takes in.
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
  localparam AFTER_COUNT = LATENCY >= 4 ? 1 : 0;
  localparam AFTER_TAKE  = LATENCY >= 2 ? 1 : 0;
  localparam AFTER_SHIFT = LATENCY >= 3 ? 1 : 0;
  localparam AT_END      = LATENCY - AFTER_COUNT - AFTER_TAKE - AFTER_SHIFT;

  localparam LZ     = $clog2(INT_WIDTH);
  localparam BIAS   = (1 << (EXP - 1)) - 1;
  localparam FIELD  = (EXP > LZ ? EXP : LZ) + 1;
  localparam TOP    = INT_WIDTH - 1;               // shift of a number without leading zeros
  localparam ONE    = BIAS - 1;                    // field of a number that is not shifted
  localparam WIDE   = INT_WIDTH + MAN + 2;
  localparam [EXP-1:0] ONES = {EXP{1'b1}};

  // ---- Count. `twice` is two times the number, complemented if that is negative, and never 0 then.
  logic                 sign, none;
  logic [INT_WIDTH-1:0] twice;
  logic [LZ-1:0]        zeros;

  assign sign   = x_i[INT_WIDTH-1];
  assign twice  = {x_i[INT_WIDTH-2:0], 1'b0} ^ {INT_WIDTH{sign}};

  fp_leading_zeros #(.WIDTH(INT_WIDTH)) u_zeros (.d_i(twice), .count_o(zeros), .none_o(none));

  logic                 sign_z, none_z;
  logic [INT_WIDTH-2:0] x_z;
  logic [LZ-1:0]        zeros_z;

  delay #(.WIDTH(1 + INT_WIDTH + LZ), .CYCLES(AFTER_COUNT)) u_count (
    .clk_i(clk_i), .d_i({sign, none, x_i[INT_WIDTH-2:0], zeros}), .q_o({sign_z, none_z, x_z, zeros_z})
  );

  // ---- TOP − zeros, bit by bit: a LUT for each is faster here than a carry chain. (0 has no sign anyway; that it is
  // said keeps the sign's registers from becoming a shift register, whose output is late.)
  logic          borrow;
  logic [LZ-1:0] amount;

  always_comb begin
    borrow = 1'b0;
    for (int i = 0; i < LZ; i = i + 1) begin
      amount[i] = TOP[i] ^ zeros_z[i] ^ borrow;
      borrow = TOP[i] ? zeros_z[i] & borrow : zeros_z[i] | borrow;
    end
  end

  logic                 sign_c, none_c;
  logic [INT_WIDTH-2:0] x_c;
  logic [LZ-1:0]        amount_c;

  delay #(.WIDTH(1 + INT_WIDTH + LZ), .CYCLES(AFTER_TAKE)) u_take (
    .clk_i(clk_i), .d_i({sign_z & !none_z, none_z, x_z, amount}), .q_o({sign_c, none_c, x_c, amount_c})
  );

  // ---- Shift down to {leading bit, fraction, round bit, sticky bit}
  logic [WIDE-1:0] shifted;
  logic            unused_high;

  fp_shift_jam #(.WIDTH(WIDE), .AMOUNT_BITS(LZ)) u_shift (
    .d_i({x_c, {(MAN+3){1'b0}}}), .amount_i(amount_c), .q_o(shifted)
  );

  assign unused_high = |shifted[WIDE-1:MAN+2];

  logic             sign_s;
  logic [FIELD-1:0] field, field_s;
  logic [MAN+1:0]   shifted_s;

  assign field = none_c ? {FIELD{1'b0}} : ONE[FIELD-1:0] + {{(FIELD-LZ){1'b0}}, amount_c};

  delay #(.WIDTH(1 + FIELD + MAN + 2), .CYCLES(AFTER_SHIFT)) u_shifted (
    .clk_i(clk_i), .d_i({sign_c, field, shifted[MAN+1:0]}), .q_o({sign_s, field_s, shifted_s})
  );

  // ---- Round. A negative number that ends in zeros carries.
  logic             up, half;
  logic [MAN-1:0]   fraction, rounded_fraction;
  logic [FIELD-1:0] rounded_field;
  logic [EXP+MAN:0] y;

  always_comb begin
    fraction = shifted_s[MAN+1:2] ^ {MAN{sign_s}};
    half = shifted_s[1] ^ sign_s;
    up = half & (shifted_s[0] | fraction[0]);
    if (sign_s) up = half | (!shifted_s[0] & fraction[0]);
    {rounded_field, rounded_fraction} = {field_s, fraction} + {{(FIELD+MAN-1){1'b0}}, up};
    y = {sign_s, rounded_field[EXP-1:0], rounded_fraction};
    // Only a narrow format can overflow.
    if (BIAS < INT_WIDTH && rounded_field >= {{(FIELD-EXP){1'b0}}, ONES}) y = {sign_s, ONES, {MAN{1'b0}}};
  end

  delay #(.WIDTH(EXP + MAN + 1), .CYCLES(AT_END)) u_end (.clk_i(clk_i), .d_i(y), .q_o(y_o));
endmodule

`default_nettype wire
