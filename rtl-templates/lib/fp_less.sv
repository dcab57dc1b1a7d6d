// a < b. A NaN is less than nothing and nothing is less than it; −0 and +0 are equal. Combinational.
//
//   EXP, MAN    bits of the exponent field and of the fraction
`default_nettype none

module fp_less #(
  parameter EXP = 8,
  parameter MAN = 23
) (
  input  logic [EXP+MAN:0] a_i,
  input  logic [EXP+MAN:0] b_i,
  output logic             y_o
);
  logic             nan, both_zero, a_fraction, b_fraction;
  logic [EXP+MAN:0] a_key, b_key;

  always_comb begin
    a_fraction = |a_i[MAN-1:0];
    b_fraction = |b_i[MAN-1:0];
    nan = ((&a_i[EXP+MAN-1:MAN]) & a_fraction) | ((&b_i[EXP+MAN-1:MAN]) & b_fraction);
    both_zero = ~|{a_i[EXP+MAN-1:MAN], b_i[EXP+MAN-1:MAN], a_fraction, b_fraction};
    // Keys that order like the numbers: negative ones below and upside down.
    a_key = a_i[EXP+MAN] ? ~a_i : {1'b1, a_i[EXP+MAN-1:0]};
    b_key = b_i[EXP+MAN] ? ~b_i : {1'b1, b_i[EXP+MAN-1:0]};
    y_o = (a_key < b_key) & !nan & !both_zero;
  end
endmodule

`default_nettype wire
