// Walks through the digits of the entries that one bank of every table gets, the entry before the lane works on it.
//
//   GROUP            digits of an index, G
//   TERNARY_START    first index of the bank, two bits a digit, the least significant digit lowest
//   BINARY_START     the same for the binary alphabet
//
// First the digits of the start are shown one after the other, the least significant first (`rotate_i`); after GROUP of
// them the digits are where they were. Then the index counts up (`rotate_i` low), and `grow_o` has the bit of the digit
// that grows when the index does; all digits below it fall back to their lowest value.
//
//   cycle      0    1    2    3    4    5      GROUP = 2
//   load_i     ‾‾‾‾‾_________________________
//   rotate_i   _____‾‾‾‾‾‾‾‾‾‾_______________
//   plus_o          d0   d1                    digit +1; minus_o: digit −1
//   grow_o                    g    g    g      from the start to the next index, and so on
`default_nettype none

module lut_counter #(
  parameter               GROUP         = 5,
  parameter [2*GROUP-1:0] TERNARY_START = 0,
  parameter [2*GROUP-1:0] BINARY_START  = 0
) (
  input  logic             clk_i,
  input  logic             load_i,
  input  logic             binary_i,
  input  logic             rotate_i,
  output logic             plus_o,
  output logic             minus_o,
  output logic [GROUP-1:0] grow_o
);
  logic [2*GROUP-1:0] digits_q, next;
  logic [1:0]         top;
  logic               carrying;

  // The largest digit: weight +1.
  assign top     = binary_i ? 2'd1 : 2'd2;
  assign plus_o  = digits_q[1:0] == top;
  assign minus_o = digits_q[1:0] == 2'd0;

  // A carry out of the last digit is past the last entry: whatever it makes is not read.
  always_comb begin
    next     = digits_q;
    grow_o   = 0;
    carrying = 1'b1;
    for (int g = 0; g < GROUP; g = g + 1) begin
      if (carrying) begin
        if (digits_q[2*g +: 2] == top) begin
          next[2*g +: 2] = 2'd0;
        end else begin
          next[2*g +: 2] = digits_q[2*g +: 2] + 2'd1;
          grow_o[g]      = 1'b1;
          carrying       = 1'b0;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (load_i)        digits_q <= binary_i ? BINARY_START : TERNARY_START;
    else if (rotate_i) digits_q <= (digits_q >> 2) | (digits_q << (2*GROUP - 2));
    else               digits_q <= next;
  end
endmodule

`default_nettype wire
