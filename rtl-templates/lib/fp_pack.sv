// The end of every operator: one rounding to nearest even, and the fields put together. Combinational.
//
//   EXP, MAN         bits of the exponent field and of the fraction
//
//   significand_i    {2 integer bits, MAN fraction bits};  up_i: it rounds up;  up_two_i: it does if it is 2 or more
//   base_i           exponent field that the number has if the integer bits are 0; one or two more with them
//   infinite_i       the result is an infinity in any case; nan_i: the one NaN
//
// Field and fraction are one number: the rounding's carry out of the fraction makes the next binade, the leading one
// of a subnormal that rounds up makes it normal, and the largest number becomes infinity, without further logic.
`default_nettype none

module fp_pack #(
  parameter EXP = 8,
  parameter MAN = 23
) (
  input  logic               sign_i,
  input  logic [EXP-1:0]     base_i,
  input  logic [MAN+1:0]     significand_i,
  input  logic               up_i,
  input  logic               up_two_i,
  input  logic               infinite_i,
  input  logic               nan_i,
  output logic [EXP+MAN:0]   y_o
);
  localparam [EXP-1:0] ONES = {EXP{1'b1}};

  logic               two;       // 2 ≤ significand
  logic [MAN-1:0]     fraction;
  logic               up, over;
  logic [EXP+MAN-1:0] rounded;
  logic               carry_unused;

  assign two      = significand_i[MAN+1];
  assign fraction = two ? significand_i[MAN:1] : significand_i[MAN-1:0];
  assign up       = two ? up_two_i : up_i;

  // The lowest position only brings the carry in.
  assign {rounded, carry_unused} = {base_i, fraction, 1'b1}
    + {{(EXP-2){1'b0}}, two, !two & significand_i[MAN], {MAN{1'b0}}, up};

  // The rounding itself needs no check: it carries from the largest number exactly to infinity.
  assign over = infinite_i
    | (base_i == ONES)
    | (base_i == {ONES[EXP-1:1], 1'b0} && |significand_i[MAN+1:MAN])
    | (base_i == {ONES[EXP-1:2], 2'b01} && two);

  always_comb begin
    y_o = {sign_i, rounded};
    if (nan_i) begin
      y_o = {1'b0, ONES, 1'b1, {(MAN-1){1'b0}}};
    end else if (over) begin
      y_o = {sign_i, ONES, {MAN{1'b0}}};
    end
  end
endmodule

`default_nettype wire
