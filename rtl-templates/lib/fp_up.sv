// Whether a significand rounds up, to nearest even, from its lowest bits. Combinational.
//
//   low_i       {bits 1 and 0 of the fraction, round bit, sticky bit} of a significand below 2
//   up_o        it rounds up;  up_two_o: it does if it is 2 or more, and so moves down by one place
`default_nettype none

module fp_up (
  input  logic [3:0] low_i,
  output logic       up_o,
  output logic       up_two_o
);
  assign up_o     = low_i[1] & (low_i[2] | low_i[0]);
  assign up_two_o = low_i[2] & (low_i[3] | low_i[1] | low_i[0]);
endmodule

`default_nettype wire
