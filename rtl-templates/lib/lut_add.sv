// One node of the engine's adder trees, for all columns side by side: the sum of two numbers that each carry a sign
// apart. Since −a ± b is −(a ∓ b), the first number's sign is passed on and only the second one is added or subtracted,
// so negating a table entry costs nothing.
//
//   WIDTH     bits of the operands; the sum has one more
//   COLUMNS   additions
//
// Latency 1.
`default_nettype none

module lut_add #(
  parameter WIDTH   = 11,
  parameter COLUMNS = 8
) (
  input  logic                         clk_i,
  input  logic [COLUMNS*WIDTH-1:0]     a_i,
  input  logic [COLUMNS-1:0]           a_minus_i,
  input  logic [COLUMNS*WIDTH-1:0]     b_i,
  input  logic [COLUMNS-1:0]           b_minus_i,
  output logic [COLUMNS*(WIDTH+1)-1:0] sum_o,
  output logic [COLUMNS-1:0]           minus_o
);
  logic [COLUMNS*(WIDTH+1)-1:0] sum_d, sum_q;
  logic [COLUMNS-1:0]           minus_q;
  logic [WIDTH:0]               a, b;
  logic [WIDTH+1:0]             sum;
  logic                         subtract;

  // One chain adds and subtracts: a + b is a − ~b − 1, the 1 borrowed from a bit below. As a difference it is one LUT a
  // bit; of a sum, synthesis may take the operand behind the XOR for the one that goes to the chain directly.
  always_comb begin
    sum_d = 0;
    for (int q = 0; q < COLUMNS; q = q + 1) begin
      a        = {a_i[q*WIDTH + WIDTH - 1], a_i[q*WIDTH +: WIDTH]};
      b        = {b_i[q*WIDTH + WIDTH - 1], b_i[q*WIDTH +: WIDTH]};
      subtract = a_minus_i[q] ^ b_minus_i[q];
      sum      = {a, 1'b0} - {b ^ {(WIDTH+1){!subtract}}, !subtract};
      sum_d[q*(WIDTH+1) +: WIDTH+1] = sum[WIDTH+1:1];
    end
  end

  always_ff @(posedge clk_i) begin
    sum_q   <= sum_d;
    minus_q <= a_minus_i;
  end

  logic unused;
  assign unused = sum[0];

  assign sum_o   = sum_q;
  assign minus_o = minus_q;
endmodule

`default_nettype wire
