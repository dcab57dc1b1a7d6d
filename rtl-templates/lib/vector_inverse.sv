// The float32 nearest to 1/n: long division, one bit of the quotient per cycle.
//
//   COUNT_BITS   bits of n, which is at least 1
//
// Loaded in cycle c, the result stands from cycle c + 26 + ⌈log2 n⌉ on, until the next load. Leading zeros of the
// quotient count the exponent down; 25 bits from its leading one follow, the last of which rounds. A tie cannot be: only
// powers of two have a finite quotient, and theirs is one bit.
`default_nettype none

module vector_inverse #(
  parameter COUNT_BITS = 16
) (
  input  logic                  clk_i,
  input  logic                  load_i,
  input  logic [COUNT_BITS-1:0] n_i,
  output logic [31:0]           y_o
);
  localparam [COUNT_BITS+1:0] UNIT = 1;

  logic [COUNT_BITS-1:0] n_q;
  logic [COUNT_BITS+1:0] remainder_q;           // between −2n and 2n
  logic                  below;                 // it is negative: the step before took n too many
  logic [COUNT_BITS+1:0] rest;
  logic                  bit_is_one, stepped_q;
  logic [7:0]            exponent_q;
  logic [24:0]           quotient_q;            // complete when its leading one has reached the top

  // Instead of being undone, such a step is made good by adding n in the next one.
  assign below      = remainder_q[COUNT_BITS+1];
  assign rest       = remainder_q + ({2'd0, n_q} ^ {(COUNT_BITS+2){!below}}) + (COUNT_BITS+2)'(!below);
  assign bit_is_one = !rest[COUNT_BITS+1];

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      n_q         <= n_i;
      remainder_q <= UNIT;
      quotient_q  <= 25'd0;
    end else if (!quotient_q[24]) begin
      remainder_q <= {rest[COUNT_BITS:0], 1'b0};
      quotient_q  <= {quotient_q[23:0], bit_is_one};
    end

    // A cycle behind, where the new bit is in a register.
    stepped_q <= !load_i;
    if (load_i)                             exponent_q <= 8'd127;
    else if (stepped_q && quotient_q == '0) exponent_q <= exponent_q - 8'd1;
  end

  // The carry of a rounding up that runs through the whole fraction ends in the exponent.
  assign y_o = {1'b0, exponent_q, quotient_q[23:1]} + {31'd0, quotient_q[0]};
endmodule

`default_nettype wire
