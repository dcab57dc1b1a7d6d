// The larger of two floats: b if a < b, else a. So a NaN in b never wins, and of −0 and +0 it is a that stays: give
// the running maximum to a. Combinational.
//
//   EXP, MAN    bits of the exponent field and of the fraction
`default_nettype none

module fp_max #(
  parameter EXP = 8,
  parameter MAN = 23
) (
  input  logic [EXP+MAN:0] a_i,
  input  logic [EXP+MAN:0] b_i,
  output logic [EXP+MAN:0] y_o
);
  logic less;

  fp_less #(.EXP(EXP), .MAN(MAN)) u_less (.a_i(a_i), .b_i(b_i), .y_o(less));

  assign y_o = less ? b_i : a_i;
endmodule

`default_nettype wire
