// The ternary digits of an index: base 3, the first digit the most significant. Combinational.
//
//   GROUP        digits, 1…6; a packed byte has 5
//   INDEX_BITS   bits of the index, at least log2(3^GROUP)
//
// Digit g is at digits_o[2g +: 2]. The index is cut into a multiple of 27, found by comparisons, and the rest, so that
// no carry runs from digit to digit.
`default_nettype none

module digit_split #(
  parameter GROUP      = 5,
  parameter INDEX_BITS = 8
) (
  input  logic [INDEX_BITS-1:0] index_i,
  output logic [2*GROUP-1:0]    digits_o
);
  localparam HIGH = GROUP > 3 ? (GROUP > 4 ? (GROUP > 5 ? 26 : 8) : 2) : 0;   // largest multiple of 27

  logic [9:0]  index;
  logic [4:0]  high, low;
  logic [11:0] digits;

  // The digits of 0…26.
  function automatic logic [5:0] three(input logic [4:0] value);
    three = 6'd0;
    for (int i = 0; i < 27; i = i + 1) begin
      if (value == 5'(i)) three = {2'(i % 3), 2'(i / 3 % 3), 2'(i / 9)};
    end
  endfunction

  always_comb begin
    index = 10'(index_i);
    high  = 5'd0;
    for (int i = 1; i <= HIGH; i = i + 1) begin
      if (index >= 10'(27 * i)) high = 5'(i);
    end
    low    = index[4:0] + {high[2:0], 2'b00} + high;   // −27 is 5 modulo 32
    digits = {three(low), three(high)};
  end

  assign digits_o = digits[11 -: 2*GROUP];

  logic unused;
  assign unused = ^digits;
endmodule

`default_nettype wire
